//! The way to Firestore: connecting, signing in, asking, and asking again.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use firestore::gcloud_sdk::google::firestore::v1::batch_get_documents_request::ConsistencySelector;
use firestore::gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Got;
use firestore::gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use firestore::gcloud_sdk::google::firestore::v1::transaction_options::{Mode, ReadOnly};
use firestore::gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, CommitRequest, CommitResponse, Document, DocumentMask, RunQueryRequest,
    TransactionOptions,
};
use firestore::gcloud_sdk::google_cloud_auth::credentials::{Credentials, anonymous};
use firestore::gcloud_sdk::tonic::{Code, Request, Response, Status};
use firestore::gcloud_sdk::{GoogleAuthHeaders, GoogleAuthMiddleware, RequestTimeouts};
use firestore::{FirestoreDb, FirestoreDbOptions};
use sentinel_domain::documents::StoreError;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::failure;
use crate::settings::FirestoreSettings;

const GOOGLE: &str = "https://firestore.googleapis.com";
/// How often a read, or a commit that was turned away by others, is tried again.
pub(crate) const RETRIES_MAX: usize = 6;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(20);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);
/// How often the emulator is asked for several documents until it gives the same answer twice.
const EMULATOR_READS_MAX: usize = 50;
/// The whole of a long answer against the wait for its next part.
const ANSWER_TIMEOUT_FACTOR: u32 = 3;

type Client = FirestoreClient<GoogleAuthMiddleware>;

/// Returns the pauses between attempts: twice as long each time, and random, so that those who met do not meet again.
pub(crate) fn pauses() -> ExponentialBuilder {
    let pauses = ExponentialBuilder::default().with_min_delay(RETRY_DELAY_MIN).with_max_delay(RETRY_DELAY_MAX);
    pauses.with_max_times(RETRIES_MAX).with_jitter()
}

/// A connection that is made when it is first needed.
pub(crate) struct Connection {
    settings: FirestoreSettings,
    path: String,
    credentials: Option<Credentials>,
    client: OnceCell<Client>,
}

impl Connection {
    pub(crate) fn new(settings: FirestoreSettings, credentials: Option<Credentials>) -> Self {
        let path = settings.path();
        Self { settings, path, credentials, client: OnceCell::new() }
    }

    pub(crate) const fn settings(&self) -> &FirestoreSettings {
        &self.settings
    }

    /// Returns the database's name in calls and in errors.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns what a failed call means.
    pub(crate) fn failed(&self, status: &Status) -> StoreError {
        failure::store_error(&self.path, status)
    }

    /// Sends a commit once.
    pub(crate) async fn commit(&self, request: CommitRequest) -> Result<CommitResponse, Status> {
        let mut client = self.client().await?;
        client.commit(self.limited(request)).await.map(Response::into_inner)
    }

    /// Returns those of the documents named that exist, all as of one moment, in no order; `fields` of them, or all.
    ///
    /// Several are read in a transaction of this one call, which only reads and so locks nothing and needs no end.
    pub(crate) async fn get(&self, names: &[String], fields: Option<&[&str]>) -> Result<Vec<Document>, Status> {
        let mask = fields.map(|fields| fields.iter().map(|field| (*field).to_owned()).collect());
        let request = BatchGetDocumentsRequest {
            database: self.path.clone(),
            documents: names.to_vec(),
            mask: mask.map(|field_paths| DocumentMask { field_paths }),
            consistency_selector: (names.len() > 1).then(one_moment),
            ..Default::default()
        };
        let mut documents = self.get_again(&request).await?;
        if names.len() == 1 || self.settings.emulator.is_none() {
            return Ok(documents);
        }
        // The emulator shows half of a commit even so. What was the same twice was so at the moment in between.
        for _ in 0..EMULATOR_READS_MAX {
            let again = self.get_again(&request).await?;
            if versions(&documents) == versions(&again) {
                return Ok(documents);
            }
            documents = again;
        }
        Err(Status::aborted("the documents did not stay the same for as long as it takes to read them twice"))
    }

    /// Reads change nothing, so that what may pass by itself is waited for.
    async fn get_again(&self, request: &BatchGetDocumentsRequest) -> Result<Vec<Document>, Status> {
        (|| self.get_once(request)).retry(pauses()).when(may_pass).await
    }

    async fn get_once(&self, request: &BatchGetDocumentsRequest) -> Result<Vec<Document>, Status> {
        let mut answer = self.client().await?.batch_get_documents(self.limited(request.clone())).await?.into_inner();
        let mut documents = Vec::new();
        while let Some(part) = answer.message().await? {
            documents.extend(match part.result {
                Some(Got::Found(document)) => Some(document),
                Some(Got::Missing(_)) | None => None,
            });
        }
        Ok(documents)
    }

    /// Returns what a query matches, in its order.
    pub(crate) async fn select(&self, request: RunQueryRequest) -> Result<Vec<Document>, Status> {
        (|| self.select_once(&request)).retry(pauses()).when(may_pass).await
    }

    async fn select_once(&self, request: &RunQueryRequest) -> Result<Vec<Document>, Status> {
        let mut answer = self.client().await?.run_query(self.limited(request.clone())).await?.into_inner();
        let mut documents = Vec::new();
        while let Some(part) = answer.message().await? {
            documents.extend(part.document);
        }
        Ok(documents)
    }

    fn limited<M>(&self, message: M) -> Request<M> {
        let idle = self.settings.call_timeout;
        let limits = RequestTimeouts::new().with_idle(idle).with_total(idle * ANSWER_TIMEOUT_FACTOR);
        let mut request = Request::new(message);
        request.extensions_mut().insert(limits);
        request
    }

    async fn client(&self) -> Result<Client, Status> {
        let connecting = self.client.get_or_try_init(|| async {
            let limit = self.settings.call_timeout;
            let late = |_| Status::unavailable(format!("no connection within {} s", limit.as_secs_f64()));
            timeout(limit, self.connect()).await.map_err(late)?
        });
        connecting.await.cloned()
    }

    async fn connect(&self) -> Result<Client, Status> {
        let FirestoreSettings { project, database, emulator, .. } = &self.settings;
        // Always said, so that a variable of the environment cannot send production to an emulator.
        let address = emulator.as_ref().map_or_else(|| GOOGLE.to_owned(), |address| format!("http://{address}"));
        let options = FirestoreDbOptions::new(project.clone());
        let options = options.with_database_id(database.clone()).with_firebase_api_url(address);
        let db = FirestoreDb::with_options_auth(options, self.sign_in().await?).await;
        Ok(db.map_err(|error| Status::unavailable(error.to_string()))?.client().get())
    }

    async fn sign_in(&self) -> Result<GoogleAuthHeaders, Status> {
        match (&self.credentials, &self.settings.emulator) {
            (Some(credentials), _) => Ok(GoogleAuthHeaders::from(credentials.clone())),
            (None, Some(_)) => Ok(GoogleAuthHeaders::from(anonymous::Builder::new().build())),
            (None, None) => {
                GoogleAuthHeaders::from_adc().await.map_err(|error| Status::unauthenticated(error.to_string()))
            }
        }
    }
}

fn versions(documents: &[Document]) -> BTreeMap<&str, Option<(i64, i32)>> {
    let version = |document: &Document| document.update_time.map(|at| (at.seconds, at.nanos));
    documents.iter().map(|document| (document.name.as_str(), version(document))).collect()
}

fn one_moment() -> ConsistencySelector {
    let mode = Some(Mode::ReadOnly(ReadOnly::default()));
    ConsistencySelector::NewTransaction(TransactionOptions { mode })
}

/// A connection that broke is `UNKNOWN` or `INTERNAL` as often as `UNAVAILABLE`. A limit on time or number that was
/// reached would be reached again.
fn may_pass(status: &Status) -> bool {
    let passes =
        matches!(status.code(), Code::Unavailable | Code::Aborted | Code::Cancelled | Code::Internal | Code::Unknown);
    passes && !failure::is_about_credentials(status)
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder;

    use super::*;

    #[test]
    fn pauses_are_few_short_and_never_the_same() {
        let drawn = || pauses().build().collect::<Vec<Duration>>();
        let (one, other) = (drawn(), drawn());
        assert_eq!(one.len(), RETRIES_MAX);
        assert_ne!(one, other);
        assert!(one.iter().all(|pause| (RETRY_DELAY_MIN..=RETRY_DELAY_MAX * 2).contains(pause)), "{one:?}");
        assert!(one.iter().sum::<Duration>() < Duration::from_secs(5), "{one:?}");
    }
}
