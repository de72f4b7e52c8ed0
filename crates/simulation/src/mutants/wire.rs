//! How mutants change a request on its way to AWS.

use bytes::Bytes;
use serde_json::json;

use aws_stand_in::Aws;

/// The ids of the test commands, in order.
pub(super) fn tests(aws: &Aws) -> Vec<String> {
    let tests = aws.commands().into_iter();
    let tests = tests.filter(|command| command.steps.iter().any(|step| step == "test"));
    tests.map(|command| command.id).collect()
}

/// Changes a request for a test's result to ask for the first test's result.
pub(super) fn result_of_first_test(aws: &Aws, body: &[u8]) -> Option<Bytes> {
    let mut question: serde_json::Value = serde_json::from_slice(body).ok()?;
    let tests = tests(aws);
    let asked = question["CommandId"].as_str()?;
    if !tests.iter().any(|test| test == asked) {
        return None;
    }
    question["CommandId"] = json!(tests.first()?);
    Some(question.to_string().into())
}

/// Gives the verdicts of the first run, or of all others, an instant in the future. Step 6 ignores
/// such an instant when it looks for a verdict newer than its own.
pub(super) fn verdicts_to_come(of_first: bool) -> impl FnMut(&str, &[u8]) -> Option<Bytes> {
    let mut first = None;
    move |action, body| {
        let tags = action == "CreateTags";
        tags.then(|| to_come(&mut first, of_first, body)).flatten()
    }
}

fn to_come(first: &mut Option<String>, of_first: bool, body: &[u8]) -> Option<Bytes> {
    let parameters: Vec<(String, String)> = serde_urlencoded::from_bytes(body).ok()?;
    let value_of = |tag: &str| {
        let (key, _) = parameters.iter().find(|(_, value)| value == tag)?;
        let name = key.replace(".Key", ".Value");
        let (_, value) = parameters.iter().find(|(key, _)| *key == name)?;
        Some((name, value.clone()))
    };
    let (_, run) = value_of("DBBackupCheckRun")?;
    let (checked_at, _) = value_of("DBBackupCheckedAt")?;
    let is_first = *first.get_or_insert_with(|| run.clone()) == run;
    (is_first == of_first).then(|| with_parameter(body, &checked_at, Some("2999-01-01T00:00:00Z")))
}

/// The EC2 request with that parameter set, or removed.
pub(super) fn with_parameter(body: &[u8], name: &str, value: Option<&str>) -> Bytes {
    let parameters: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let others = parameters.into_iter().filter(|(key, _)| key != name);
    let mut parameters: Vec<_> = others.collect();
    parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    serde_urlencoded::to_string(parameters)
        .unwrap_or_default()
        .into()
}

/// The fault of 2018: the text `'False'` is not empty, so it counted as true.
pub(super) fn always_one(body: &[u8]) -> Option<Bytes> {
    let mut series: serde_json::Value = serde_json::from_slice(body).ok()?;
    for gauge in series["series"].as_array_mut()? {
        if gauge["metric"] == "infobright_backup_valid" {
            gauge["points"][0]["value"] = json!(1.0);
        }
    }
    Some(series.to_string().into())
}

pub(super) fn metric_before(aws: &Aws, action: &str) {
    if action == "CreateTags" {
        aws.point_by_hand("infobright_backup_valid", 1.0);
    }
}
