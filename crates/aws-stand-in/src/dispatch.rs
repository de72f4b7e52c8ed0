//! The dispatcher: every call passes authorisation, limits, faults and the log here on its way in and out.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::account::Context;
use super::call::Call;
use super::datadog::DatadogReply;
use super::error_response::{ErrorResponse, NOT_MODELLED};
use super::fault::{ConnectionLost, Fault};
use super::request::ParsedRequest;
use super::{Aws, datadog, ec2, error_response, locked, ssm};

impl Aws {
    /// Every call of every service, in memory or through a socket.
    pub async fn call(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ConnectionLost> {
        let route = ParsedRequest::of(&request);
        if let Some(tamper) = locked(&self.inner.tamper).as_mut()
            && let Some(body) = tamper(&route.action, request.body())
        {
            *request.body_mut() = body;
        }
        let kept = self.to_keep(&request);
        let (service, action) = (route.service.clone(), route.action.clone());
        let answer = self.meet(route, request).await?;
        if let Some(kept) = kept {
            self.keep(service, action, kept, &answer);
        }
        Ok(answer)
    }

    /// What that call meets: a fault, a limit, or the service.
    async fn meet(
        &self,
        route: ParsedRequest,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ConnectionLost> {
        let call = Call {
            number: 0,
            service: route.service.clone(),
            action: route.action.clone(),
            caller: route.caller.clone(),
            time: self.inner.clock.now(),
        };
        let call = locked(&self.inner.log).begin(call, route.parameters.clone());
        let fault = locked(&self.inner.faults)
            .as_mut()
            .and_then(|draw| draw(&call));
        let request_id = format!("rehearsal-request-{:06}", call.number);
        let Some(fault) = fault else {
            return self
                .answer_within_limits(&call, &route, &request, &request_id, None)
                .await;
        };
        self.answer_with(fault, &call, &route, &request, &request_id)
            .await
    }

    async fn answer_within_limits(
        &self,
        call: &Call,
        route: &ParsedRequest,
        request: &Request<Bytes>,
        request_id: &str,
        lag: Option<Duration>,
    ) -> Result<Response<Bytes>, ConnectionLost> {
        if let Err(refusal) = self.within_limits(call, request) {
            self.outcome(call, format!("{} {}", refusal.status, refusal.code));
            return Ok(refusal.into_response(&call.service, request_id));
        }
        let (answer, outcome) = self.answer(route, request, request_id, lag).await;
        self.outcome(call, outcome);
        Ok(answer)
    }

    async fn answer_with(
        &self,
        fault: Fault,
        call: &Call,
        route: &ParsedRequest,
        request: &Request<Bytes>,
        request_id: &str,
    ) -> Result<Response<Bytes>, ConnectionLost> {
        match fault {
            Fault::Refuse {
                status,
                code,
                message,
            } => {
                let refusal = ErrorResponse {
                    status,
                    code,
                    message,
                };
                self.outcome(call, format!("{status} {} (fault)", refusal.code));
                Ok(refusal.into_response(&call.service, request_id))
            }
            Fault::Garbage(body) => {
                self.outcome(call, "200 with garbage (fault)");
                Ok(error_response::response(200, "text/html", request_id, body))
            }
            Fault::DropConnection => {
                self.outcome(call, "not done, connection closed (fault)");
                Err(ConnectionLost)
            }
            Fault::Hang => {
                self.outcome(call, "not done, never answered (fault)");
                std::future::pending().await
            }
            Fault::LoseAnswer => {
                let (_, outcome) = self.answer(route, request, request_id, None).await;
                self.outcome(call, format!("{outcome}, but the answer lost (fault)"));
                Err(ConnectionLost)
            }
            Fault::Slow(delay) => {
                let (answer, outcome) = self.answer(route, request, request_id, None).await;
                self.outcome(call, format!("{outcome}, slowly (fault)"));
                self.inner.clock.sleep(delay).await;
                Ok(answer)
            }
            Fault::Lag(lag) => {
                self.answer_within_limits(call, route, request, request_id, Some(lag))
                    .await
            }
        }
    }

    /// Whether EC2 or Systems Manager takes one more request of this kind now.
    fn within_limits(&self, call: &Call, request: &Request<Bytes>) -> Result<(), ErrorResponse> {
        match locked(&self.inner.limits).as_mut() {
            Some((ec2, _)) if call.service == "ec2" => ec2.take(&call.action, request, call.time),
            Some((_, ssm)) if call.service == "ssm" => ssm.take(&call.action, call.time),
            _ => Ok(()),
        }
    }

    /// Whether the holder of that access key may do this, for services that are modelled
    /// elsewhere. The error is IAM's text.
    pub fn authorize(&self, caller: &str, action: &str, resource: &str) -> Result<(), String> {
        let authorizer = locked(&self.inner.authorizer).clone();
        authorizer.allows(caller, action, resource, &[])
    }

    /// The service's own answer, and how the log puts it.
    async fn answer(
        &self,
        route: &ParsedRequest,
        request: &Request<Bytes>,
        request_id: &str,
        lag: Option<Duration>,
    ) -> (Response<Bytes>, String) {
        let plugged_in = locked(&self.inner.services).get(&route.service).cloned();
        if let Some(service) = plugged_in {
            let answer = service.call(&route.caller, request).await;
            let outcome = answer.status().as_u16().to_string();
            if answer.status().as_u16() == 501 {
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                self.note_unmodelled(route, &body);
            }
            return (answer, outcome);
        }
        let result = match route.service.as_str() {
            "ec2" => self.in_account(route, lag, |context| {
                ec2::answer(context, request, request_id)
            }),
            "ssm" => self.in_account(route, lag, |context| {
                ssm::answer(context, &route.action, request.body(), request_id)
            }),
            "datadog" => return self.datadog(route, request, request_id).await,
            other => Err(ErrorResponse::not_modelled(format!(
                "service {other:?}: {} {}",
                request.method(),
                request.uri()
            ))),
        };
        self.finish(route, result, request_id)
    }

    fn finish(
        &self,
        route: &ParsedRequest,
        result: Result<Response<Bytes>, ErrorResponse>,
        request_id: &str,
    ) -> (Response<Bytes>, String) {
        match result {
            Ok(answer) => {
                let outcome = answer.status().as_u16().to_string();
                (answer, outcome)
            }
            Err(refusal) => {
                if refusal.code == NOT_MODELLED {
                    self.note_unmodelled(route, &refusal.message);
                }
                let outcome = format!("{} {}: {}", refusal.status, refusal.code, refusal.message);
                (refusal.into_response(&route.service, request_id), outcome)
            }
        }
    }

    async fn datadog(
        &self,
        route: &ParsedRequest,
        request: &Request<Bytes>,
        request_id: &str,
    ) -> (Response<Bytes>, String) {
        let reply = self.account(|account, _| account.datadog.reply.clone());
        match reply {
            DatadogReply::Normal => {
                let answer =
                    |context: &mut Context<'_>| datadog::answer(context, request, request_id);
                self.finish(route, self.in_account(route, None, answer), request_id)
            }
            DatadogReply::Answer { status, body } => {
                let answer = error_response::response(status, "application/json", request_id, body);
                (answer, format!("{status} as set"))
            }
            DatadogReply::Never => std::future::pending().await,
        }
    }

    /// Runs one call on the account as it is now.
    fn in_account<R>(
        &self,
        route: &ParsedRequest,
        lag: Option<Duration>,
        work: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        let authorizer = locked(&self.inner.authorizer).clone();
        self.account(|account, now| {
            let lag = lag.unwrap_or(account.timing.read_lag);
            work(&mut Context {
                aws: self,
                account,
                authorizer: authorizer.as_ref(),
                caller: &route.caller,
                now,
                seen_from: now + lag,
            })
        })
    }

    fn outcome(&self, call: &Call, outcome: impl Into<String>) {
        locked(&self.inner.log).end(call.number, outcome.into());
    }

    fn note_unmodelled(&self, route: &ParsedRequest, what: &str) {
        let what = format!("{} {}: {what}", route.service, route.action);
        locked(&self.inner.log).unmodelled.push(what);
    }
}
