//! One program, as Lambda starts it, behind a wire of our own: the runtime API, AWS and Datadog.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_stand_in::stack::Stack;
use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::SECRETS;
use super::faults::{Fault, Service};
use super::scenes::Scene;

/// Three attempts of ten seconds, ten calls: what takes longer than this has no bound.
const BOUND: Duration = Duration::from_mins(4);

/// One fault at one call.
#[derive(Clone, Copy)]
pub struct Case {
    pub scene: Scene,
    pub action: &'static str,
    pub fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {} of {:?}",
            self.fault.name, self.action, self.scene
        )
    }
}

impl Case {
    pub fn service(&self) -> Service {
        match self.action {
            "Invoke" => Service::Lambda,
            "SubmitMetrics" => Service::Datadog,
            "ListCommands" | "SendCommand" | "GetCommandInvocation" | "GetParameter" => {
                Service::Ssm
            }
            _ => Service::Ec2,
        }
    }

    /// Of nothing there is no half, and Datadog's `{}` is an answer.
    pub fn makes_sense(&self) -> bool {
        match (self.service(), self.fault.name) {
            (Service::Lambda, name) => !name.starts_with("cut") && name != "endless",
            (Service::Datadog, name) => name != "an empty object",
            _ => true,
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often it met the fault.
    pub faults: usize,
    /// What it answered Lambda, `None` while it has not.
    pub answer: Option<String>,
    /// It has asked for a second event.
    pub asks_again: bool,
    pub log: String,
    pub memory_kib: u64,
    /// What it reported to Lambda instead of starting: headers and body.
    start_error: Option<(String, String)>,
}

impl Seen {
    pub fn trace(&self) -> String {
        let answer = self.answer.as_deref().unwrap_or("nothing");
        format!("{}answered: {answer}\n", self.log)
    }
}

struct Wire {
    stack: Stack,
    event: String,
    case: Option<Case>,
    seen: watch::Sender<Seen>,
    handed_out: Mutex<bool>,
}

/// Plays a case until the program asks for a second event.
pub async fn play(case: &Case) -> Seen {
    let stack = Scene::stack();
    let event = case.scene.event(&stack).await.to_string();
    let (wire, address) = listen(stack, event, Some(*case)).await;
    let child = start(&wire, case.scene, &address, &[]);
    finish(&wire, child, |seen| seen.asks_again).await
}

/// What a program reports to Lambda if it does not start with this setting; no body if it starts.
pub async fn start_error(scene: Scene, name: &str, value: &str) -> (String, Option<String>) {
    let (wire, address) = listen(Scene::stack(), "{}".to_owned(), None).await;
    let child = start(&wire, scene, &address, &[(name, value)]);
    let over = |seen: &Seen| seen.start_error.is_some() || seen.answer.is_some();
    let seen = finish(&wire, child, over).await;
    match seen.start_error {
        Some((headers, body)) => (headers, Some(body)),
        None => (String::new(), None),
    }
}

async fn listen(stack: Stack, event: String, case: Option<Case>) -> (Arc<Wire>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens").to_string();
    let wire = Arc::new(Wire {
        stack,
        event,
        case,
        seen: watch::Sender::default(),
        handed_out: Mutex::new(false),
    });
    let serving = wire.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let wire = serving.clone();
            // Who hangs up first does not matter.
            tokio::spawn(async move { wire.exchange(stream).await.ok() });
        }
    });
    (wire, address)
}

fn start(wire: &Wire, scene: Scene, address: &str, more: &[(&str, &str)]) -> Child {
    let mut functions = wire.stack.template.functions.iter();
    let function = functions.find(|function| function.binary == scene.binary());
    let function = function.expect("the template has it");
    let programs = Path::new(env!("CARGO_BIN_EXE_rehearse")).parent();
    let program: PathBuf = programs.expect("a folder").join(scene.binary());
    Command::new(program)
        .env_clear()
        .envs(&function.environment)
        .env("POLL_SECONDS", "1")
        .env("TEST_POLL_SECONDS", "1")
        .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAWIRE")
        .env("AWS_SECRET_ACCESS_KEY", SECRETS[0])
        .env("AWS_SESSION_TOKEN", SECRETS[1])
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("DD_URL", format!("http://{address}"))
        .envs(more.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program is built: cargo build --workspace --bins")
}

async fn finish(wire: &Wire, mut child: Child, over: impl Fn(&Seen) -> bool) -> Seen {
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut stderr = child.stderr.take().expect("a pipe");
    // Read all the while, so that no full pipe holds it up.
    let out = tokio::spawn(async move { text(&mut stdout).await });
    let err = tokio::spawn(async move { text(&mut stderr).await });
    let mut seen = wire.seen.subscribe();
    let _ = tokio::time::timeout(BOUND, seen.wait_for(over)).await;
    let memory_kib = child.id().map_or(0, peak_memory);
    child.kill().await.ok();
    let mut seen = wire.seen.borrow().clone();
    seen.memory_kib = memory_kib;
    seen.log = out.await.unwrap_or_default() + &err.await.unwrap_or_default();
    seen
}

async fn text(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or(u64::MAX)
}

/// A request, in the parts that matter here.
struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    async fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut body = bytes.split_off(end);
        let mut asked = Self {
            head,
            body: Vec::new(),
        };
        let length = asked
            .header("content-length")
            .and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or(0);
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        asked.body = body;
        Ok(asked)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    fn path(&self) -> &str {
        self.head.split_whitespace().nth(1).unwrap_or_default()
    }

    fn action(&self) -> String {
        let of_ssm = self
            .header("x-amz-target")
            .and_then(|target| target.split_once('.'));
        if let Some((_, action)) = of_ssm {
            return action.to_owned();
        }
        match self.path() {
            "/api/v2/series" => "SubmitMetrics".to_owned(),
            path if path.ends_with("/invocations") => "Invoke".to_owned(),
            _ => {
                let form: Vec<(String, String)> =
                    serde_urlencoded::from_bytes(&self.body).unwrap_or_default();
                let action = form.into_iter().find(|(key, _)| key == "Action");
                action.map(|(_, action)| action).unwrap_or_default()
            }
        }
    }

    fn to_http(&self) -> Request<Bytes> {
        let method = self.head.split_whitespace().next().unwrap_or_default();
        let mut request = Request::builder().method(method).uri(self.path());
        for (name, value) in self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
        {
            request = request.header(name, value.trim());
        }
        request
            .body(self.body.clone().into())
            .expect("it came over HTTP")
    }
}

impl Wire {
    async fn exchange(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let asked = Asked::read(&mut stream).await?;
        if let Some(rest) = asked.path().strip_prefix("/2018-06-01/runtime/") {
            return self.runtime(rest, &asked, stream).await;
        }
        let truth = self
            .stack
            .aws
            .call(asked.to_http())
            .await
            .expect("it breaks no connection");
        let fault = self.case.filter(|case| case.action == asked.action());
        let Some(Case { fault, .. }) = fault else {
            return stream.write_all(&to_bytes(&truth, &[])).await;
        };
        self.seen.send_modify(|seen| seen.faults += 1);
        stream.write_all(&(fault.bytes)(truth.body())).await?;
        if !fault.endless {
            return Ok(());
        }
        // Until the program hangs up.
        let more = [b' '; 8192];
        loop {
            stream.write_all(&more).await?;
        }
    }

    async fn runtime(
        &self,
        path: &str,
        asked: &Asked,
        mut stream: TcpStream,
    ) -> std::io::Result<()> {
        if path == "invocation/next" {
            let handed_out = {
                let mut handed_out = self
                    .handed_out
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *handed_out, true)
            };
            if handed_out {
                self.seen.send_modify(|seen| seen.asks_again = true);
                // Until the process is ended.
                return stream.read_u8().await.map(|_| ());
            }
            let event = Response::new(Bytes::from(self.event.clone()));
            let headers = [
                ("content-type", "application/json"),
                ("lambda-runtime-aws-request-id", "request-1"),
                ("lambda-runtime-deadline-ms", "4102444800000"),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:1:function:f",
                ),
            ];
            return stream.write_all(&to_bytes(&event, &headers)).await;
        }
        let said = String::from_utf8_lossy(&asked.body).into_owned();
        self.seen.send_modify(|seen| {
            if path == "init/error" {
                seen.start_error = Some((asked.head.clone(), said));
            } else {
                seen.answer = Some(said);
            }
        });
        let mut accepted = Response::new(Bytes::new());
        *accepted.status_mut() = http::StatusCode::ACCEPTED;
        stream.write_all(&to_bytes(&accepted, &[])).await
    }
}

fn to_bytes(answer: &Response<Bytes>, more: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", answer.status());
    let given = answer.headers().iter();
    let given = given.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    for (name, value) in given.chain(more.iter().copied()) {
        if name != "content-length" {
            head.extend([name, ": ", value, "\r\n"]);
        }
    }
    let length = answer.body().len();
    let end = format!("content-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), end.as_bytes(), answer.body()].concat()
}
