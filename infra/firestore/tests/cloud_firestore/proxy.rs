//! A way to the emulator that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// What happens to a connection when the caller next sends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Once: it is cut, and nothing arrives.
    LosesRequest,
    /// Once: all arrives, nothing comes back, and it is cut.
    LosesAnswer,
    /// From now on nothing passes in either direction, and nothing is cut.
    Hangs,
    /// New ones are cut at once.
    Refuses,
    /// Each call on a new one is answered UNAVAILABLE, a few times; then it is cut, and the next passes.
    Unavailable,
}

/// How many calls are answered UNAVAILABLE.
const UNAVAILABLE_CALLS: usize = 3;

/// How long a request is given to be carried out before its connection is cut.
const CARRIED_OUT: Duration = Duration::from_millis(500);
/// Until the frames that belong to earlier calls have passed.
const QUIET: Duration = Duration::from_millis(100);

pub(crate) struct Proxy {
    pub(crate) address: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    fault: AtomicU8,
    accepted: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn to(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { upstream, fault: AtomicU8::new(0), accepted: AtomicUsize::new(0) });
        let accepting = tokio::spawn(Arc::clone(&shared).accept(listener));
        Self { address, shared, accepting }
    }

    pub(crate) async fn set(&self, fault: Fault) {
        sleep(QUIET).await;
        self.shared.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Returns how many connections have been taken.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Returns whether a fault that happens once has happened.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.is(Fault::None)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn is(&self, fault: Fault) -> bool {
        self.fault.load(Ordering::SeqCst) == fault as u8
    }

    /// Returns whether `fault` is the one that is due, and takes it.
    fn take(&self, fault: Fault) -> bool {
        let none = Fault::None as u8;
        self.fault.compare_exchange(fault as u8, none, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((caller, _)) = listener.accept().await {
            self.accepted.fetch_add(1, Ordering::SeqCst);
            if !self.is(Fault::Refuses) {
                tokio::spawn(Arc::clone(&self).carry(caller));
            }
        }
    }

    async fn carry(self: Arc<Self>, mut caller: TcpStream) {
        if self.is(Fault::Unavailable) {
            let _cut = unavailable(&mut caller).await;
            self.take(Fault::Unavailable);
            return;
        }
        let Ok(mut server) = TcpStream::connect(&self.upstream).await else { return };
        let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                Ok(count) = caller.read(&mut request) => {
                    if count == 0 || self.take(Fault::LosesRequest) {
                        return;
                    }
                    if self.is(Fault::Hangs) {
                        continue;
                    }
                    if server.write_all(&request[..count]).await.is_err() {
                        return;
                    }
                    if self.take(Fault::LosesAnswer) {
                        return swallow(&mut caller, &mut server).await;
                    }
                }
                Ok(count) = server.read(&mut answer) => {
                    if count == 0 || !self.is(Fault::Hangs) && caller.write_all(&answer[..count]).await.is_err() {
                        return;
                    }
                }
                else => return,
            }
        }
    }
}

/// Carries what is still sent, and nothing of what comes back.
async fn swallow(caller: &mut TcpStream, server: &mut TcpStream) {
    let until = Instant::now() + CARRIED_OUT;
    let mut request = vec![0; 1 << 16];
    while let Ok(Ok(count)) = timeout_at(until, caller.read(&mut request)).await {
        if count == 0 || server.write_all(&request[..count]).await.is_err() {
            return;
        }
    }
}

// The frames of HTTP/2 (RFC 9113) that a refusal takes.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const PREFACE_BYTES: usize = 24;
/// Of `SETTINGS` and `PING`; of `DATA` and `HEADERS` the end of what is sent.
const ACK_OR_END: u8 = 1;
const END_HEADERS: u8 = 4;

/// Answers calls as Google does when it cannot serve: with headers alone, the status among them.
async fn unavailable(caller: &mut TcpStream) -> std::io::Result<()> {
    caller.read_exact(&mut [0; PREFACE_BYTES]).await?;
    caller.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut answered = 0;
    while answered < UNAVAILABLE_CALLS {
        let mut head = [0; 9];
        caller.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        caller.read_exact(&mut payload).await?;
        let ends = flags & ACK_OR_END != 0;
        match kind {
            SETTINGS | PING if !ends => caller.write_all(&frame(kind, ACK_OR_END, 0, ping_of(kind, &payload))).await?,
            DATA | HEADERS if ends => {
                let stream = u32::from_be_bytes(stream);
                caller.write_all(&frame(HEADERS, END_HEADERS | ACK_OR_END, stream, &status_14())).await?;
                answered += 1;
            }
            _ => {}
        }
    }
    // What is on its way arrives before the connection ends.
    sleep(QUIET).await;
    Ok(())
}

fn ping_of(kind: u8, payload: &[u8]) -> &[u8] {
    if kind == PING { payload } else { &[] }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `:status: 200`, `content-type: application/grpc`, `grpc-status: 14`, as HPACK (RFC 7541) without a table.
fn status_14() -> Vec<u8> {
    let text = |text: &'static [u8]| [&[u8::try_from(text.len()).unwrap()], text].concat();
    let named = |name, value| [vec![0], text(name), text(value)].concat();
    [vec![0x88], named(b"content-type", b"application/grpc"), named(b"grpc-status", b"14")].concat()
}
