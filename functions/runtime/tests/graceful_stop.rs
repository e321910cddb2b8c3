//! SIGTERM lets the request that is running end, and takes no new one. Alone in its process, which gets the signal.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::http::{HttpConfig, serve, stop_signal};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Runtime, Trigger, async_trait,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

struct Slow {
    begun: Arc<Notify>,
}

#[async_trait]
impl Function for Slow {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            triggers: &[Trigger::Schedule { cron: "* * * * *" }],
            ..FunctionDescriptor::new("slow")
        };
        &DESCRIPTOR
    }

    async fn run(&self, _: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        self.begun.notify_one();
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(Report { rows_out: 7, ..Report::default() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_the_running_request_end() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hot.sqlite");
    let store = SqliteDocuments::open(&path, Environment::Test, Durability::ProcessEnd).unwrap();
    let runtime = Runtime::new(Arc::new(store), Environment::Test, Arc::new(ManualClock::at(0)), "abc123");
    let begun = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let function = Arc::new(Slow { begun: Arc::clone(&begun) });
    let stop = async { stop_signal().await.unwrap() };
    let server = tokio::spawn(serve(function, runtime, listener, HttpConfig::default(), stop));

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: local\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    begun.notified().await;
    kill_process(getpid(), Signal::TERM).unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"rows_out\":7"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
