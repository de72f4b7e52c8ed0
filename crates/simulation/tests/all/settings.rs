//! Each function needs every variable that the template sets for it.

use serde_json::json;
use simulation::environment::Environment;

/// The variable that has a default in the code.
const WITH_DEFAULT: &str = "DD_SITE";

#[tokio::test(start_paused = true)]
async fn a_missing_variable_stops_the_function_and_is_named() {
    let functions = Environment::new().stack.template.functions;
    for (index, function) in functions.iter().enumerate() {
        for variable in function
            .environment
            .keys()
            .filter(|name| *name != WITH_DEFAULT)
        {
            let night = Environment::with(|template| {
                template.functions[index].environment.remove(variable);
            });
            night.stack.lambda.start(&function.name, json!({}));
            night.stack.lambda.idle().await;
            let errors = night.ending().errors();
            let named = format!("BadSettings: cannot start: {variable} is missing;");
            assert!(
                errors[0].contains(&named),
                "{}: {variable}: {errors:#?}",
                function.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_are_missing_are_named_at_once() {
    let night = Environment::with(|template| template.functions[2].environment.clear());
    night
        .stack
        .lambda
        .start("dev-ib-backup-step-3-attach", json!({}));
    night.stack.lambda.idle().await;
    let errors = night.ending().errors();
    for variable in ["NEXT_LAMBDA_NAME", "TEST_DEVICE", "POLL_SECONDS"] {
        assert!(
            errors[0].contains(&format!("{variable} is missing")),
            "{errors:#?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_variable_that_cannot_be_read_is_named() {
    let night = Environment::with(|template| {
        let environment = &mut template.functions[0].environment;
        environment.insert("SNAPSHOT_MAX_AGE_HOURS".to_owned(), "a day".to_owned());
    });
    let ending = night.play().await;
    assert!(ending.errors()[0].contains("SNAPSHOT_MAX_AGE_HOURS is `a day`"));
}

/// An empty parameter switches Datadog off.
#[tokio::test(start_paused = true)]
async fn without_a_key_nothing_is_sent_and_the_tag_is_written() {
    let off = [("DatadogApiKeySsmName", ""), ("DatadogSite", "")];
    let night = Environment::parameters(&off, |_| ());
    let ending = night.play().await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.points, Vec::new());
}
