//! The row that each run leaves in `job_metadata`.

use std::fmt;

use chrono::NaiveDate;
use sentinel_domain::documents::{Collection, Record};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::timeframe::UnixMillis;
use serde::{Deserialize, Serialize};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobStatus {
    /// In progress, or killed and not yet taken over.
    Running,
    /// All rows done.
    Succeeded,
    /// Done, but for rows that went to quarantine.
    Partial,
    /// Not done.
    Failed,
}

impl JobStatus {
    /// Returns whether what comes after may go on.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Partial)
    }

    /// Returns the name in tables: `SUCCEEDED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name of the event that started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Who told it.
    pub source: String,
    /// Its name within the source.
    pub id: String,
    /// What kind it is.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it is about, such as `objects/trend.toml` of an upload: who uploaded it finds its run by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// One run of a function, from RUNNING to its end. A run that is started again goes on in its own row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// Derives from the job and its event, or its moment.
    pub run_id: String,
    /// The function.
    pub job_name: String,
    /// How it stands.
    pub status: JobStatus,
    /// The logical date.
    pub ds: NaiveDate,
    /// The moment it is about: scheduled for, or of the event.
    pub at: UnixMillis,
    /// The commit that the program was built from.
    pub git_hash: String,
    /// How often it was started.
    pub attempt: u32,
    /// The token of the lease it ran under last.
    pub fencing_token: i64,
    /// Who ran it last.
    pub holder: String,
    /// When it was started last.
    pub started: UnixMillis,
    /// When it ended.
    pub ended: Option<UnixMillis>,
    /// Rows it looked at.
    pub rows_in: u64,
    /// Rows it wrote.
    pub rows_out: u64,
    /// Rows it put into quarantine.
    pub rows_quarantined: u64,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// Why it FAILED.
    pub error: Option<String>,
    /// What started it; `None` for the clock.
    pub event: Option<RunEvent>,
}

impl JobRun {
    /// Returns how long it ran, since it was started last; 0 while it runs.
    #[must_use]
    pub fn run_ms(&self) -> i64 {
        self.ended.map_or(0, |ended| ended - self.started)
    }

    /// Returns how long after the moment it is about it ended; 0 while it runs.
    #[must_use]
    pub fn lag_ms(&self) -> i64 {
        self.ended.map_or(0, |ended| ended - self.at)
    }
}

impl Record for JobRun {
    const COLLECTION: Collection = Collection::JobMetadata;

    fn id(&self) -> String {
        self.run_id.clone()
    }
}

/// Returns the name of a run: the same event, or the same moment without one, is the same run.
pub(crate) fn run_id(job_name: &str, at: UnixMillis, event: Option<&CloudEvent>) -> String {
    let hasher = ContentHasher::new("job-run").text(job_name);
    let hasher = match event {
        Some(event) => hasher.text("event").text(&event.source).text(&event.id),
        None => hasher.text("at").integers(&[at]),
    };
    format!("{job_name}-{}", &hasher.finish().to_string()[..24])
}
