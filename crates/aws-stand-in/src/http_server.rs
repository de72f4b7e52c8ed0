//! The HTTP server for real processes, on a socket of this machine.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::net::TcpListener;

use super::Aws;
use super::fault::ConnectionLost;

impl Aws {
    /// Serves every call on that listener until the task is dropped.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.router()).await
    }

    /// Every call that has no route of its own.
    pub fn router(&self) -> Router {
        let aws = self.clone();
        let answer = move |request: Request<Body>| {
            let aws = aws.clone();
            async move { Ok::<_, Infallible>(exchange(&aws, request).await) }
        };
        Router::new().fallback_service(tower::service_fn(answer))
    }
}

async fn exchange(aws: &Aws, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        return answer;
    };
    match aws.call(Request::from_parts(parts, body.to_bytes())).await {
        Ok(answer) => answer.map(Body::from),
        Err(ConnectionLost) => Response::new(broken()),
    }
}

/// A body that fails before its first byte: hyper then closes the connection, and nothing of the
/// answer has left yet.
fn broken() -> Body {
    Body::new(Limited::new(Full::from("lost"), 1))
}
