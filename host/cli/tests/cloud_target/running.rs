//! `run` against a server that stands for Google's two interfaces, and for the one that gives out tokens.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tokio::net::TcpListener;

use crate::world::{Ran, World};

const TOKEN: &str = "a-persons-own-token";

/// What was asked: method, path, authorization.
type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

struct Google {
    url: String,
    asked: Asked,
}

async fn answer(State(asked): State<Asked>, request: Request) -> impl IntoResponse {
    let path = request.uri().path().to_owned();
    if path == "/token" {
        let token = format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600,\"token_type\":\"Bearer\"}}");
        return (StatusCode::OK, [("Content-Type", "application/json")], token);
    }
    let bearer = request.headers().get("Authorization").map_or("", |value| value.to_str().unwrap());
    asked.lock().unwrap().push((request.method().to_string(), path.clone(), bearer.to_owned()));
    let refusal = |why: &str| format!("{{\"error\":{{\"message\":\"{why}\"}}}}");
    let (status, body) = if path.contains("sync-positions") {
        (403, refusal(&format!("the caller lacks cloudscheduler.jobs.run, see {bearer}")))
    } else if path.contains("register-strategy") {
        (404, refusal("Job not found"))
    } else if path.contains("patch-fees") {
        (409, refusal("the job is being changed"))
    } else if path.contains("patch-prices") {
        (500, "out of order".to_owned())
    } else if path.starts_with("/v2/") {
        (200, "{\"metadata\":{\"name\":\"projects/p/locations/r/jobs/j/executions/archive-7xk\"}}".to_owned())
    } else {
        (200, "{}".to_owned())
    };
    (StatusCode::from_u16(status).unwrap(), [("Content-Type", "application/json")], body)
}

impl Google {
    async fn start() -> Self {
        let asked = Asked::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    /// Returns a deployment whose archive is a job, and a person who is signed in.
    fn world(&self) -> World {
        let mut world = World::new();
        world.variables.insert("SENTINEL_SCHEDULER_URL", self.url.clone());
        world.variables.insert("SENTINEL_RUN_URL", self.url.clone());
        world.variables.insert("SENTINEL_JOBS", "archive-trades".to_owned());
        let credentials = format!(
            "{{\"type\":\"authorized_user\",\"client_id\":\"me\",\"client_secret\":\"x\",\"refresh_token\":\"y\",\
             \"token_uri\":\"{}/token\"}}",
            self.url
        );
        let path = world.write("credentials.json", credentials);
        world.variables.insert("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string());
        world
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_started_by_its_schedule_and_a_job_as_a_job() {
    let google = Google::start().await;
    let world = google.world();
    let said = world.run("run expire-signals").good().stdout;
    assert!(said.contains("started by its schedule test-expire-signals") && said.contains("cloud status"), "{said}");
    let said = world.run("run archive-trades --json").good().json();
    assert_eq!((&said["job"], &said["execution"]), (&"test-archive-trades".into(), &"archive-7xk".into()));
    let place = "projects/my-project/locations/europe-west1/jobs";
    let expected = [format!("/v1/{place}/test-expire-signals:run"), format!("/v2/{place}/test-archive-trades:run")];
    let expected = expected.map(|path| ("POST".to_owned(), path, format!("Bearer {TOKEN}")));
    assert_eq!(*google.asked.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_google_refuses_is_said_with_what_to_do() {
    let google = Google::start().await;
    let world = google.world();
    for (function, parts) in [
        ("sync-positions", ["lacks cloudscheduler.jobs.run, see Bearer [REDACTED]", "role"]),
        ("register-strategy", ["no test-register-strategy in my-project/europe-west1", "events alone"]),
        ("patch-fees", ["being changed", "try again"]),
        ("patch-prices", ["500", "does not say why"]),
    ] {
        let said = world.run(&format!("run {function}")).refused(1, &parts);
        assert!(!said.stderr.contains(TOKEN), "{said:?}");
    }
    world.run("run archive-trade").refused(2, &["archive-trade"]);
}

#[test]
fn without_credentials_and_without_a_server_it_says_so() {
    let mut world = World::new();
    world.variables.insert("SENTINEL_SCHEDULER_URL", "http://127.0.0.1:9".to_owned());
    world.variables.insert("GOOGLE_APPLICATION_CREDENTIALS", "/absent.json".to_owned());
    let mut command = world.command("run expire-signals");
    Ran::of(&mut command).refused(1, &["no credentials", "gcloud auth application-default login"]);
}
