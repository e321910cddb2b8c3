//! Faults of the way: nothing of the account may differ in the end.

use std::sync::Arc;
use std::time::Duration;

use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::documents::Records;
use sentinel_function_runtime::{JobRun, JobStatus};
use sentinel_laptop::Simulation;
use sentinel_simulated_broker::faults::{Fault, FaultRule, WireFault};
use sentinel_tests::ending::ending_of;

use crate::support::{Disturbed, assert_adds_up, block_on, run, scenario, undisturbed};

const ORDERS: &str = "/v2/orders";

#[test]
fn an_answer_lost_after_acceptance_is_found_again() {
    check_same("an_answer_lost_after_acceptance_is_found_again", |simulation| {
        arm(simulation, always(WireFault::LoseAnswer).on("POST", ORDERS));
        arm(simulation, always(WireFault::LoseAnswer).on("DELETE", ORDERS));
    });
}

#[test]
fn an_order_that_was_taken_and_answered_with_an_error_is_found_again() {
    check_same("an_order_that_was_taken_and_answered_with_an_error_is_found_again", |simulation| {
        arm(simulation, always(WireFault::LieAboutFailure { status: 502 }).on("POST", ORDERS));
    });
}

#[test]
fn an_answer_lost_before_an_outage_is_found_after_it() {
    let disturbed = check_same("an_answer_lost_before_an_outage_is_found_after_it", |simulation| {
        // Each order is taken, and then nothing is heard of the broker until the function has given up.
        for order in 0..40 {
            arm(simulation, FaultRule::next(WireFault::LoseAnswer).on("POST", ORDERS).after(order));
            let silence = FaultRule::next(WireFault::CutConnection).on("GET", "/v2/orders:by_client_order_id");
            arm(simulation, silence.after(order * 6).times(5));
        }
    });
    assert!(disturbed.is_none_or(|disturbed| disturbed.failures.len() > 5));
}

#[test]
fn timeouts_change_nothing() {
    check_same("timeouts_change_nothing", |simulation| {
        let url = simulation.broker().url();
        simulation.restart(|mut wiring| {
            let patience = Duration::from_millis(60);
            let config = AlpacaConfig { request_timeout: patience, ..AlpacaConfig::local(&url) };
            let client = Arc::new(AlpacaClient::new(config).unwrap());
            (wiring.broker, wiring.data) = (client.clone(), client);
            wiring
        });
        for order in 0..12 {
            let slow = FaultRule::next(WireFault::Latency { millis: 90 });
            arm(simulation, slow.clone().on("POST", ORDERS).after(order * 2));
            arm(simulation, slow.on("GET", "/v2/account").after(order * 7));
        }
    });
}

#[test]
fn too_many_requests_are_waited_out() {
    check_same("too_many_requests_are_waited_out", |simulation| {
        for request in 0..150 {
            let seconds = u32::from(request == 60);
            let fault = WireFault::TooManyRequests { retry_after_seconds: seconds };
            arm(simulation, FaultRule::next(fault).after(request * 3).times(2));
        }
    });
}

#[test]
fn a_wait_beyond_patience_is_a_failed_run_that_is_run_again() {
    let disturbed = check_same("a_wait_beyond_patience_is_a_failed_run_that_is_run_again", |simulation| {
        for request in 0..8 {
            let fault = WireFault::TooManyRequests { retry_after_seconds: 3_600 };
            arm(simulation, FaultRule::next(fault).after(request * 29));
        }
    });
    assert!(disturbed.is_none_or(|disturbed| disturbed.failures.len() >= 6));
}

#[test]
fn errors_of_the_server_change_nothing() {
    check_same("errors_of_the_server_change_nothing", |simulation| {
        for request in 0..100 {
            let status = if request % 2 == 0 { 500 } else { 503 };
            arm(simulation, FaultRule::next(WireFault::ServerError { status }).after(request * 4));
        }
    });
}

#[test]
fn an_outage_that_outlasts_patience_is_named_and_survived() {
    let disturbed = check_same("an_outage_that_outlasts_patience_is_named_and_survived", |simulation| {
        for outage in 0..10 {
            arm(simulation, FaultRule::next(WireFault::CutConnection).after(outage * 40).times(12));
        }
    });
    assert!(disturbed.is_none_or(|disturbed| disturbed.failures.len() >= 10));
}

#[test]
fn while_the_broker_is_down_the_run_is_failed_with_its_reason() {
    let Some(scenario) = scenario("while_the_broker_is_down_the_run_is_failed_with_its_reason", 20) else { return };
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = crate::support::open(&scenario, folder.path()).await;
        arm(&simulation, always(WireFault::ServerError { status: 500 }).on("GET", "/v2/account"));
        simulation.run_until(i64::MAX).await.unwrap_err();
        let failed = failed_runs(&simulation).await;
        let [run] = failed.as_slice() else { panic!("{failed:?}") };
        let why = run.error.clone().unwrap_or_default();
        assert!(run.job_name == "execute-signals" && why.contains("status 500"), "{why}");
        // The same moment once more, with the broker back.
        simulation.broker().disarm().unwrap();
        simulation.run_until(i64::MAX).await.unwrap();
        let failed = failed_runs(&simulation).await;
        assert!(failed.is_empty(), "{failed:?}");
        assert_adds_up(&scenario, &simulation).await;
    });
}

async fn failed_runs(simulation: &Simulation) -> Vec<JobRun> {
    let runs = Records::<JobRun>::of(simulation.store().as_ref(), simulation.desktop().runtime().environment);
    let failed = runs.all(runs.select().equal("status", JobStatus::Failed.as_str())).await.unwrap();
    failed.into_iter().map(|stored| stored.record).collect()
}

/// Runs sixty days under faults and holds their end against that of calm ones.
fn check_same(test: &str, disturb: impl FnOnce(&mut Simulation)) -> Option<Disturbed> {
    let scenario = scenario(test, 60)?;
    block_on(async {
        let expected = undisturbed(&scenario).await;
        let disturbed = run(&scenario, disturb).await;
        println!("{test}: {} runs failed and were run again", disturbed.failures.len());
        assert_adds_up(&scenario, &disturbed.simulation).await;
        assert_eq!(ending_of(&disturbed.simulation).await, expected);
        Some(disturbed)
    })
}

fn always(fault: WireFault) -> FaultRule<WireFault> {
    FaultRule { count: None, ..FaultRule::next(fault) }
}

fn arm(simulation: &Simulation, rule: FaultRule<WireFault>) {
    let FaultRule { fault, method, path, skip, count } = rule;
    simulation.broker().arm(FaultRule { fault: Fault::Wire(fault), method, path, skip, count }).unwrap();
}
