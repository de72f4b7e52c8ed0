//! One run of one program: started, invoked several times, ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::fixture::FunctionFixture;
use super::process::{Observer, Sample};
use super::tls::{Authority, HOST};
use aws_stand_in::lambda::processes::Processes;
use aws_stand_in::lambda::{Accepted, Executor};
use aws_stand_in::template::Function;

/// How often each process is invoked. All but the first find their connections open.
pub(super) const INVOCATIONS: usize = 6;

/// A program that is measured.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// What the table calls it.
    pub name: String,
    /// Where it is.
    pub program: PathBuf,
    /// The program of the template in whose place it runs.
    pub stands_for: String,
    /// What its runtime wants before the Runtime API's address, where a path follows.
    pub scheme: &'static str,
    /// Environment variables of its own.
    pub variables: BTreeMap<String, String>,
}

/// What one process came to.
pub(super) struct Measured {
    pub sample: Sample,
    /// The calls of its last invocation, in order.
    pub calls: Vec<String>,
}

/// Where all runs happen.
pub(super) struct Place {
    /// What the functions trust, and where it stands.
    pub authority: Authority,
    pub bundle: PathBuf,
}

impl Place {
    /// With an authority of its own.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        let bundle = folder.join("trusted.pem");
        Ok(Self {
            authority: Authority::new(&bundle)?,
            bundle,
        })
    }
}

impl Candidate {
    /// A program of this project's.
    pub fn compiled(name: &str, program: PathBuf, stands_for: &str) -> Self {
        Self {
            name: name.to_owned(),
            program,
            stands_for: stands_for.to_owned(),
            scheme: "http://",
            variables: BTreeMap::new(),
        }
    }

    /// Runs it once on fresh fixture.
    pub async fn measure(&self, place: &Place) -> anyhow::Result<Measured> {
        self.try_to_measure(place)
            .await
            .with_context(|| format!("{} ({})", self.name, self.program.display()))
    }

    async fn try_to_measure(&self, place: &Place) -> anyhow::Result<Measured> {
        let fixture = FunctionFixture::of(&self.stands_for, INVOCATIONS).await?;
        let function = fixture.function.clone();
        let programs = BTreeMap::from([(function.name.clone(), self.program.clone())]);
        let runtime = TcpListener::bind("127.0.0.1:0").await?;
        let aws = TcpListener::bind("127.0.0.1:0").await?;
        let address = runtime.local_addr()?;
        let observer = Observer::new();
        let variables = self.variables(place, &function.name, address, aws.local_addr()?.port());
        let processes = Processes::new(fixture.stack.lambda.clone(), programs, address)
            .watched(variables, observer.clone());
        let routes = processes.routes();
        let runtime = tokio::spawn(async move { axum::serve(runtime, routes).await });
        let (listener, doors) = (place.authority.over(aws), fixture.stack.aws.router());
        let aws = tokio::spawn(async move { axum::serve(listener, doors).await });
        let measured = invoke(&fixture, &function, &processes, &observer).await;
        processes.shut_down().await;
        runtime.abort();
        aws.abort();
        measured.map_err(|error| {
            let log = fixture.stack.lambda.log(0).into_iter();
            let log: Vec<String> = log.map(|line| line.text).collect();
            error.context(format!("it wrote: {}", log.join(" | ")))
        })
    }

    fn variables(
        &self,
        place: &Place,
        function: &str,
        runtime: std::net::SocketAddr,
        port: u16,
    ) -> BTreeMap<String, String> {
        let aws = format!("https://{HOST}:{port}");
        let trusted = text(&place.bundle);
        let mut variables = BTreeMap::from([
            (
                "AWS_LAMBDA_RUNTIME_API",
                format!("{}{runtime}/runtime/{function}", self.scheme),
            ),
            ("AWS_SESSION_TOKEN", "rehearsal".to_owned()),
            ("AWS_ENDPOINT_URL", aws.clone()),
            ("DD_URL", aws),
            ("SSL_CERT_FILE", trusted),
        ]);
        variables.extend(
            self.variables
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        let owned = variables.into_iter();
        owned
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Invokes a process once for each event.
async fn invoke(
    fixture: &FunctionFixture,
    function: &Function,
    processes: &Processes,
    observer: &Observer,
) -> anyhow::Result<Measured> {
    let mut called = 0;
    for (number, event) in fixture.events.iter().enumerate() {
        called = fixture.stack.aws.calls().len();
        let accepted = Accepted {
            number: number as u64,
            function: function.name.clone(),
            request_id: format!("invocation-{number}"),
            event: event.clone(),
            depth: 0,
            lost: false,
        };
        let outcome = processes.run(function, &accepted, 0).await;
        if let Err(error) = outcome {
            anyhow::bail!("{}: {}", error.error_type, error.error_message);
        }
        observer.asked(number + 2).await;
    }
    let unmodelled = fixture.stack.aws.unmodelled();
    anyhow::ensure!(unmodelled.is_empty(), "unknown calls: {unmodelled:?}");
    let calls = fixture.stack.aws.calls().split_off(called);
    for call in &calls {
        let taken = call.outcome.starts_with('2');
        anyhow::ensure!(taken, "{}: {}", call.call.action, call.outcome);
    }
    Ok(Measured {
        sample: observer.sample()?,
        calls: calls.into_iter().map(|call| call.call.action).collect(),
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
