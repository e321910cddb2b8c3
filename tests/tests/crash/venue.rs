//! The clock of a broker in another process.

use anyhow::{Context, Result, ensure};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_simulated_broker::{Moment, Phase};
use serde_json::{Value, json};

/// The way to it.
#[derive(Debug, Clone)]
pub(crate) struct Venue {
    url: String,
    http: reqwest::Client,
}

impl Venue {
    pub(crate) fn at(url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().tls_certs_only([]).build()?;
        Ok(Self { url: format!("{url}/simulation"), http })
    }

    pub(crate) async fn now(&self) -> Result<Moment> {
        let answer = self.http.get(format!("{}/clock", self.url)).send().await?.error_for_status()?;
        let shown: Value = serde_json::from_str(&answer.text().await?)?;
        let time: UnixMillis = shown["unix_millis"].as_i64().context("the clock shows no time")?;
        Ok(Moment { time, phase: if shown["phase"] == "open" { Phase::Open } else { Phase::Close } })
    }

    pub(crate) async fn advance(&self, to: Moment) -> Result<()> {
        let body = json!({ "to": to.time, "phase": to.phase }).to_string();
        let request = self.http.post(format!("{}/advance", self.url)).header("content-type", "application/json");
        let answer = request.body(body).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "the broker's clock cannot be set to {to}: {status}: {}", answer.text().await?);
        Ok(())
    }
}
