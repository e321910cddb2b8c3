//! Settings: what is accepted, and that everything that is wrong is told at once.

use std::collections::BTreeMap;

use sentinel_cloud::{BrokerSettings, Fault, Role, Settings, SettingsError, Variables};
use sentinel_domain::environment::Environment;
use sentinel_functions::FunctionName;

/// What Terraform sets for a service that speaks to the broker.
const GOOD: [(&str, &str); 13] = [
    ("ENVIRONMENT", "PROD"),
    ("GOOGLE_CLOUD_PROJECT", "my-project"),
    ("SENTINEL_FUNCTION", "sync-positions"),
    ("SENTINEL_ACCOUNT", "broker = { kind = \"alpaca-paper\" }"),
    ("SENTINEL_FIRESTORE_DATABASE", "sentinel-prod"),
    ("SENTINEL_BIGQUERY_DATASET", "crypto_analytics"),
    ("SENTINEL_BIGQUERY_LOCATION", "europe-west1"),
    ("SENTINEL_STRATEGIES_BUCKET", "my-project-prod-strategies"),
    ("SENTINEL_COMPONENTS_BUCKET", "my-project-prod-components"),
    ("SENTINEL_TOPIC_PREFIX", "prod-"),
    ("SENTINEL_AUDIENCE", "https://prod-sync-positions.sentinel, https://prod-sync-positions-*.run.app"),
    ("SENTINEL_CALLERS", "prod-scheduler@my-project.iam.gserviceaccount.com,somebody@example.com"),
    ("APCA_API_KEY_ID", "PK123"),
];

fn variables(changes: &[(&str, &str)]) -> Variables {
    let mut all = BTreeMap::from(GOOD);
    all.insert("APCA_API_SECRET_KEY", "not-shown");
    all.extend(changes.iter().copied());
    all.into_iter().collect()
}

fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::read(&variables(changes))
}

fn faults(changes: &[(&str, &str)]) -> Vec<Fault> {
    read(changes).unwrap_err().faults
}

/// Asserts that one change is one fault of that variable, which says `problem`.
fn refused(changes: &[(&str, &str)], variable: &str, problem: &str) {
    let faults = faults(changes);
    assert_eq!(faults.len(), 1, "{changes:?}: {faults:?}");
    assert!(faults[0].variable == variable && faults[0].problem.contains(problem), "{changes:?}: {}", faults[0]);
}

#[test]
fn what_terraform_sets_is_a_service_on_paper_money() {
    let settings = read(&[]).unwrap();
    assert_eq!((settings.environment, settings.function), (Environment::Prod, FunctionName::SyncPositions));
    assert!(matches!(settings.broker, Some(BrokerSettings::Alpaca { is_live: false, keys: Some(_) })));
    let Role::Service { port, audiences, callers, keys_url } = &settings.role else { panic!("{:?}", settings.role) };
    assert_eq!((*port, audiences.len(), callers.len()), (8080, 2, 2));
    assert_eq!(keys_url, "https://www.googleapis.com/oauth2/v3/certs");
    assert_eq!(settings.terms().namespace, "PROD|main");
    let job = read(&[("CLOUD_RUN_JOB", "prod-archive-trades"), ("SENTINEL_CALLERS", ""), ("SENTINEL_AUDIENCE", "")]);
    assert_eq!(job.unwrap().role, Role::Job);
}

#[test]
fn every_function_starts_from_what_it_needs() {
    for function in FunctionName::ALL {
        assert_eq!(read(&[("SENTINEL_FUNCTION", function.as_str())]).unwrap().function, function);
    }
    let nothing = [
        "SENTINEL_BIGQUERY_DATASET",
        "SENTINEL_BIGQUERY_LOCATION",
        "SENTINEL_STRATEGIES_BUCKET",
        "SENTINEL_COMPONENTS_BUCKET",
    ];
    let mut changes: Vec<_> = nothing.iter().map(|name| (*name, "")).collect();
    changes.extend([("SENTINEL_FUNCTION", "expire-signals"), ("APCA_API_KEY_ID", ""), ("APCA_API_SECRET_KEY", "")]);
    assert!(read(&changes).unwrap().broker.is_none());
    changes[4] = ("SENTINEL_FUNCTION", "ingest-candles");
    assert!(matches!(read(&changes).unwrap().broker, Some(BrokerSettings::Alpaca { keys: None, .. })));
    changes[4] = ("SENTINEL_FUNCTION", "archive-trades");
    let asked: Vec<_> = faults(&changes).iter().map(|fault| fault.variable).collect();
    assert_eq!(
        asked,
        ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "SENTINEL_BIGQUERY_DATASET", "SENTINEL_BIGQUERY_LOCATION"]
    );
}

#[test]
fn all_faults_are_told_at_once_and_say_what_is_allowed() {
    let nothing = Settings::read(&Variables::default()).unwrap_err();
    let told: Vec<_> = nothing.faults.iter().map(|fault| fault.variable).collect();
    let expected = [
        "ENVIRONMENT",
        "GOOGLE_CLOUD_PROJECT",
        "SENTINEL_FUNCTION",
        "SENTINEL_ACCOUNT",
        "SENTINEL_FIRESTORE_DATABASE",
        "SENTINEL_TOPIC_PREFIX",
        "SENTINEL_AUDIENCE",
        "SENTINEL_CALLERS",
    ];
    assert_eq!(told, expected);
    assert!(nothing.to_string().contains("ENVIRONMENT is not set: it holds PROD, DEV or TEST; GOOGLE_CLOUD_PROJECT"));
    let many = faults(&[("ENVIRONMENT", "production"), ("PORT", "80800"), ("SENTINEL_FUNCTION", "archive-trade")]);
    let told: Vec<_> = many.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "ENVIRONMENT is \"production\": use one of PROD, DEV, TEST");
    assert!(told[1].contains("did you mean archive-trades?"), "{}", told[1]);
    assert_eq!(told[2], "PORT is \"80800\": allowed is a number from 0 to 65535");
}

#[test]
fn each_name_has_its_form() {
    for (variable, wrong) in [
        ("GOOGLE_CLOUD_PROJECT", "My Project"),
        ("SENTINEL_FIRESTORE_DATABASE", "sentinel/prod"),
        ("SENTINEL_TOPIC_PREFIX", "prod"),
        ("SENTINEL_AUDIENCE", "http://prod.sentinel"),
        ("SENTINEL_AUDIENCE", "https://*.run.*"),
        ("SENTINEL_AUDIENCE", ","),
        ("SENTINEL_CALLERS", "everybody"),
        ("SENTINEL_CALLERS", "user:somebody@example.com"),
        ("SENTINEL_ACCOUNT", "cash = -1"),
        ("SENTINEL_ACCOUNT", "cash = 1\nkey = \"x\""),
    ] {
        refused(&[(variable, wrong)], variable, "");
    }
    let bucket = [("SENTINEL_FUNCTION", "register-strategy"), ("SENTINEL_STRATEGIES_BUCKET", "gs://x")];
    refused(&bucket, "SENTINEL_STRATEGIES_BUCKET", "a bucket's name");
}

#[test]
fn real_money_takes_three_switches() {
    let live = ("SENTINEL_ACCOUNT", "broker = { kind = \"alpaca-live\" }");
    let switch = ("SENTINEL_LIVE_TRADING", "yes");
    let settings = read(&[live, switch]).unwrap();
    assert!(matches!(settings.broker, Some(BrokerSettings::Alpaca { is_live: true, .. })));
    let is_paper = |changes: &[(&str, &str)]| {
        matches!(read(changes).unwrap().broker, Some(BrokerSettings::Alpaca { is_live: false, .. }))
    };
    assert!(is_paper(&[switch]) && is_paper(&[switch, ("SENTINEL_ACCOUNT", "cash = 5")]));
    refused(&[live], "SENTINEL_ACCOUNT", "SENTINEL_LIVE_TRADING=yes");
    refused(&[("SENTINEL_LIVE_TRADING", "YES")], "SENTINEL_LIVE_TRADING", "allowed is yes");
    let dev =
        [("ENVIRONMENT", "DEV"), ("SENTINEL_FIRESTORE_DATABASE", "sentinel-dev"), ("SENTINEL_TOPIC_PREFIX", "dev-")];
    let told = faults(&[dev[0], dev[1], dev[2], live, switch]);
    let told: Vec<_> = told.iter().map(|fault| fault.variable).collect();
    assert_eq!(told, ["SENTINEL_LIVE_TRADING", "SENTINEL_ACCOUNT"]);
}

#[test]
fn brokers_that_are_no_broker_of_the_cloud_are_refused() {
    refused(&[("SENTINEL_ACCOUNT", "broker = { kind = \"local\" }")], "SENTINEL_ACCOUNT", "alpaca-paper");
    let server = ("SENTINEL_ACCOUNT", "broker = { kind = \"server\", url = \"http://127.0.0.1:5\" }");
    refused(&[server], "SENTINEL_ACCOUNT", "PROD");
    let dev =
        [("ENVIRONMENT", "DEV"), ("SENTINEL_FIRESTORE_DATABASE", "sentinel-dev"), ("SENTINEL_TOPIC_PREFIX", "dev-")];
    let settings = read(&[dev[0], dev[1], dev[2], server]).unwrap();
    assert!(matches!(settings.broker, Some(BrokerSettings::Server { .. })));
}

#[test]
fn rehearsals_name_nothing_of_production_and_production_nothing_of_rehearsals() {
    let told = faults(&[("ENVIRONMENT", "DEV"), ("SENTINEL_FUNCTION", "archive-trades")]);
    let told: Vec<_> = told.iter().map(|fault| fault.variable).collect();
    assert_eq!(told, ["SENTINEL_FIRESTORE_DATABASE", "SENTINEL_BIGQUERY_DATASET", "SENTINEL_TOPIC_PREFIX"]);
    for (variable, address, wrong) in [
        ("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1", "http://127.0.0.1:1"),
        ("PUBSUB_EMULATOR_HOST", "127.0.0.1:1", "http://127.0.0.1:1"),
        ("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1", "127.0.0.1:1"),
        ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1", "127.0.0.1:1"),
        ("SENTINEL_KEYS_URL", "http://127.0.0.1:1/keys", "http://keys.example.com"),
    ] {
        refused(&[(variable, address)], variable, "ENVIRONMENT is PROD");
        let test = [
            ("ENVIRONMENT", "TEST"),
            ("SENTINEL_FIRESTORE_DATABASE", "sentinel-test"),
            ("SENTINEL_TOPIC_PREFIX", "test-"),
        ];
        read(&[test[0], test[1], test[2], (variable, address)]).unwrap();
        refused(&[test[0], test[1], test[2], (variable, wrong)], variable, "is \"");
    }
}

#[test]
fn no_secret_is_in_settings_or_in_what_is_wrong_with_them() {
    let canaries = [("APCA_API_KEY_ID", "canary-key-id-7f3a"), ("APCA_API_SECRET_KEY", "canary-secret-91cc")];
    let good = format!("{:?} {:?}", read(&canaries).unwrap(), variables(&canaries));
    let wrong = [("APCA_API_KEY_ID", "canary-key-id-7f3a\n"), ("APCA_API_SECRET_KEY", " canary-secret-91cc")];
    let faults = read(&wrong).unwrap_err();
    assert_eq!(faults.faults.len(), 2, "{faults}");
    let shown = format!("{good} {faults} {faults:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn the_worker_needs_the_keys_and_no_callers() {
    let worker = ("SENTINEL_FUNCTION", "trade-updates");
    let settings = read(&[worker, ("SENTINEL_CALLERS", ""), ("SENTINEL_AUDIENCE", "")]).unwrap();
    assert_eq!(settings.role, Role::TradeUpdates);
    assert!(matches!(settings.broker, Some(BrokerSettings::Alpaca { is_live: false, keys: Some(_) })));
    refused(&[worker, ("APCA_API_SECRET_KEY", "")], "APCA_API_SECRET_KEY", "is not set");
}
