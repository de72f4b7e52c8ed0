//! Datadog refuses the requests, or does not answer.

use std::time::Duration;

use aws_stand_in::DatadogReply;
use simulation::environment::Environment;

#[tokio::test(start_paused = true)]
async fn datadog_refuses_or_is_silent() {
    let answer = |status, body: &str| DatadogReply::Answer {
        status,
        body: body.into(),
    };
    for (reply, named) in [
        (
            answer(403, r#"{"errors":["Forbidden"]}"#),
            "Datadog answered 403",
        ),
        (
            answer(429, r#"{"errors":["Too many requests"]}"#),
            "Datadog answered 429",
        ),
        (
            answer(202, "<html>it works</html>"),
            "Datadog answered 202 `<html>",
        ),
        (answer(202, r#"{"errors":["bad point"]}"#), "bad point"),
        (DatadogReply::Never, "no answer in 10 s"),
    ] {
        let night = Environment::new();
        night.stack.aws.set_datadog_reply(reply);
        let ending = night.play().await;
        assert_eq!(ending.tag(), Some("True"), "Datadog never costs the tag");
        assert_eq!(ending.valid(), Vec::<f64>::new());
        let errors = ending.errors();
        assert!(
            errors.iter().all(|error| error.contains("DatadogFailed")),
            "{errors:#?}"
        );
        assert!(
            errors.iter().any(|error| error.contains(named)),
            "{named}: {errors:#?}"
        );
        assert_eq!(ending.left, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn datadog_back_in_time_gets_the_verdict_after_all() {
    let night = Environment::new();
    let aws = night.stack.aws.clone();
    aws.set_datadog_reply(DatadogReply::Answer {
        status: 503,
        body: "busy".into(),
    });
    let (back, from) = (aws.clone(), aws.clock().now() + Duration::from_secs(2500));
    tokio::spawn(async move {
        back.clock().sleep_until(from).await;
        back.set_datadog_reply(DatadogReply::Normal);
    });
    let ending = night.play().await;
    ending.assert_verdict(true);
}
