//! What may come instead of an answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::net::TcpListener;

/// Where redirects point to.
pub const ELSEWHERE: &str = "elsewhere";

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Ec2,
    Ssm,
    Lambda,
    Datadog,
}

/// Something that comes instead of an answer.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    /// The bytes that are sent, from the body that the service would have given.
    pub bytes: fn(&[u8]) -> Vec<u8>,
    /// More of them without end.
    pub endless: bool,
    /// The error event.
    pub tells: fn(Service) -> &'static [&'static str],
}

const HTML: &str = "<html><body>maintenance &amp; tea</body></html>";

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn html(status: &str) -> Vec<u8> {
    answer(status, "content-type: text/html\r\n", HTML.as_bytes())
}

fn redirect(status: &str) -> Vec<u8> {
    let port = PORT.get().copied().unwrap_or_default();
    let location = format!("location: http://127.0.0.1:{port}/\r\n");
    answer(status, &location, b"")
}

fn half(body: &[u8]) -> &[u8] {
    &body[..body.len() / 2]
}

fn shown(service: Service, status: &'static str) -> &'static [&'static str] {
    match (service, status) {
        (Service::Datadog, "200") => &["Datadog answered 200", "maintenance"],
        (Service::Datadog, "403") => &["Datadog answered 403", "maintenance"],
        (Service::Datadog, "407") => &["Datadog answered 407", "maintenance"],
        (Service::Datadog, _) => &["Datadog answered 503", "maintenance"],
        (_, "200") => &["not AWS's", "status 200", "maintenance"],
        (_, "403") => &["not AWS's", "status 403", "maintenance"],
        (_, "407") => &["not AWS's", "status 407", "maintenance"],
        (_, _) => &["not AWS's", "status 503", "maintenance"],
    }
}

fn in_status(service: Service) -> &'static [&'static str] {
    match service {
        Service::Datadog => &["tried to send to", "Datadog answered"],
        Service::Lambda => &["tried to invoke", "not AWS's: status 200"],
        _ => &["tried to ", "not AWS's", "status 200"],
    }
}

fn broke_off(service: Service) -> &'static [&'static str] {
    match service {
        Service::Datadog => &["tried to send to"],
        _ => &["tried to ", "AWS gave no answer"],
    }
}

pub const ALL: [Fault; 13] = [
    Fault {
        name: "HTML",
        bytes: |_| html("200 OK"),
        endless: false,
        tells: |service| shown(service, "200"),
    },
    Fault {
        name: "HTML 403",
        bytes: |_| html("403 Forbidden"),
        endless: false,
        tells: |service| shown(service, "403"),
    },
    Fault {
        name: "HTML 407",
        bytes: |_| html("407 Proxy Authentication Required"),
        endless: false,
        tells: |service| shown(service, "407"),
    },
    Fault {
        name: "HTML 503",
        bytes: |_| html("503 Service Unavailable"),
        endless: false,
        tells: |service| shown(service, "503"),
    },
    Fault {
        name: "redirect 301",
        bytes: |_| redirect("301 Moved Permanently"),
        endless: false,
        tells: |_| &["301"],
    },
    Fault {
        name: "redirect 302",
        bytes: |_| redirect("302 Found"),
        endless: false,
        tells: |_| &["302"],
    },
    Fault {
        name: "redirect 307",
        bytes: |_| redirect("307 Temporary Redirect"),
        endless: false,
        tells: |_| &["307"],
    },
    Fault {
        name: "gzip",
        bytes: |_| {
            // The gzip of an empty file.
            let empty =
                b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
            answer("200 OK", "content-encoding: gzip\r\n", empty)
        },
        endless: false,
        tells: in_status,
    },
    Fault {
        name: "empty",
        bytes: |_| answer("200 OK", "", b""),
        endless: false,
        tells: in_status,
    },
    Fault {
        name: "an empty object",
        bytes: |_| answer("200 OK", "content-type: application/json\r\n", b"{}"),
        endless: false,
        tells: in_status,
    },
    Fault {
        name: "cut, with its length",
        bytes: |body| answer("200 OK", "", half(body)),
        endless: false,
        tells: in_status,
    },
    Fault {
        name: "cut in the middle",
        bytes: |body| {
            let whole = answer("200 OK", "", body);
            whole[..whole.len() - body.len() / 2 - 1].to_vec()
        },
        endless: false,
        tells: broke_off,
    },
    Fault {
        name: "endless",
        bytes: |body| {
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            [head.as_bytes(), half(body)].concat()
        },
        endless: true,
        tells: |service| match service {
            Service::Datadog => &["Datadog answered 200"],
            _ => &["not AWS's", "more than 16 MiB"],
        },
    },
];

static PORT: OnceLock<u16> = OnceLock::new();

/// Where redirects point to: it counts who comes.
pub struct Elsewhere(Arc<AtomicUsize>);

impl Elsewhere {
    pub fn visits(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub async fn elsewhere() -> Elsewhere {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it listens").port();
    PORT.set(port).expect("it is set once");
    let visits = Arc::new(AtomicUsize::new(0));
    let seen = visits.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    Elsewhere(visits)
}
