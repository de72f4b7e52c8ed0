//! Properties of what is read from outside: they hold for whatever comes.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::error::Kind;
use crate::event::{self, EndReason, Envelope, FailureRecord, Release, Run, Testing};
use crate::ssm::Report;
use crate::verdict::Verdict;

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What step 5 hands to step 6, as a person would write it.
fn testing() -> Map<String, Value> {
    let event = json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 2,
        "snapshot_id": "snap-1",
        "dev_ib_backup_instance_id": "i-1",
        "volume_id": "vol-1",
        "device": "/dev/sdg",
        "test_command_id": "c-1",
    });
    event.as_object().cloned().unwrap_or_default()
}

/// Any text, control characters and line ends too.
fn any_text(longest: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..longest).prop_map(String::from_iter)
}

/// Text of which much fits its pattern but for one character, and of which much does not.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        any_text(20),
        "(snap-|vol-|i-|/dev/|/tmp/dev/|)[a-z0-9]{0,8}[*?\\\\\"' \n/A-Z.-]?[a-z0-9]{0,8}",
    ]
}

/// Whether this means nothing to a filter, a shell or a line, and is a path only as a device is.
fn is_safe(field: &str, text: &str) -> bool {
    let word = if field == "device" {
        text.strip_prefix("/dev/").unwrap_or_default()
    } else {
        text
    };
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !word.is_empty() && word.bytes().all(harmless)
}

fn report(response_code: i32, stdout: String) -> Report {
    Report {
        command_id: "c".to_owned(),
        status: String::new(),
        status_details: String::new(),
        response_code,
        stdout,
        stderr: String::new(),
        ended_at: None,
    }
}

/// What a function may have given back.
fn reply() -> impl Strategy<Value = Value> {
    let said = || prop_oneof![any_text(40).prop_map(Value::from), any_json()];
    prop_oneof![
        any_json(),
        said().prop_map(|message| json!({"errorMessage": message})),
        (said(), said()).prop_map(|(kind, message)| json!({
            "errorType": kind, "errorMessage": message,
        })),
    ]
}

/// Lines as a script ends with them, some of them not quite.
fn last_line() -> impl Strategy<Value = Value> {
    let valid = prop_oneof![Just(json!(true)), Just(json!(false)), any_json()];
    let count = prop_oneof![(0u64..3).prop_map(Value::from), any_json()];
    let reason = prop_oneof![Just(json!("")), Just(json!(" \n")), any_json()];
    (valid, count.clone(), count, reason).prop_map(|(valid, checks, tables, reason)| {
        json!({
            "valid": valid, "checks": checks, "tables": tables, "rows": 7, "seconds": 1.5,
            "reason": reason,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..Default::default() })]

    /// Nothing panics, and what cannot be used is a `BadEvent` of one line.
    #[test]
    fn any_event_is_read_or_a_bad_event(event in any_json()) {
        for error in [
            Run::read(&event).err(),
            Envelope::<Testing>::read(&event).err(),
            Envelope::<Release>::read(&event).err(),
            FailureRecord::read(&event).err(),
        ].into_iter().flatten() {
            prop_assert_eq!(error.kind(), Kind::BadEvent);
        }
    }

    /// An event that is read has no character in its ids that means something to a filter, a
    /// path, a shell or a line.
    #[test]
    fn what_is_read_of_an_event_is_safe(texts in vec(nearly(), 6)) {
        let names = ["run_id", "snapshot_id", "dev_ib_backup_instance_id", "volume_id", "device",
            "test_command_id"];
        for (name, text) in names.into_iter().zip(texts) {
            let mut fields = testing();
            fields.insert(name.to_owned(), json!(text));
            let read = Envelope::<Testing>::read(&Value::Object(fields));
            prop_assert!(read.is_err() || is_safe(name, &text), "{} is {:?}", name, text);
        }
    }

    /// An event is written as it was read, whatever counts and times it has.
    #[test]
    fn an_event_is_written_as_it_was_read(count in any::<u64>(), waited in 1u64.., seconds in 0u32..60) {
        let mut fields = testing();
        fields.insert("iteration_count".to_owned(), json!(count));
        fields.insert("waited_seconds".to_owned(), json!(waited));
        let at = format!("2026-03-01T02:00:{seconds:02}Z");
        fields.insert("ready_at".to_owned(), json!({"snapshot": at}));
        let event = Value::Object(fields);
        let read = Envelope::<Testing>::read(&event).expect("a payload");
        prop_assert_eq!(serde_json::to_value(&read).expect("JSON"), event);
    }

    /// A field that is missing or of another type is named, whichever it is.
    #[test]
    fn a_spoilt_field_is_named(place in 0usize..8, other in any_json(), missing in any::<bool>()) {
        let mut fields = testing();
        let name = fields.keys().nth(place).cloned().expect("one of eight");
        prop_assume!(other.is_object() || other.is_array() || other.is_boolean() || other.is_null());
        if missing {
            fields.remove(&name);
        } else {
            fields.insert(name.clone(), other);
        }
        let error = Envelope::<Testing>::read(&Value::Object(fields)).expect_err("spoilt");
        prop_assert!(error.to_string().contains(&format!("`{name}`")), "{}", error);
    }

    /// Lambda's record names a function and an error, whatever the function's reply and event are;
    /// a request id that could not be a run id is refused.
    #[test]
    fn a_failure_record_says_who_and_why(
        id in nearly(), arn in any::<String>(), event in any_json(), reply in reply(),
    ) {
        let record = json!({
            "requestContext": {"requestId": id, "functionArn": arn, "condition": "RetriesExhausted"},
            "requestPayload": event,
            "responsePayload": reply,
        });
        match FailureRecord::read(&record) {
            Err(error) => {
                prop_assert_eq!(error.kind(), Kind::BadEvent);
                prop_assert!(!is_safe("run_id", &id) || id.len() > 64, "{}", error);
            }
            Ok(read) => {
                prop_assert!(is_safe("run_id", &id), "{:?}", id);
                prop_assert!(arn.contains(read.function()));
                let said = reply["errorMessage"].as_str();
                let error = read.error();
                prop_assert!(error.contains(said.unwrap_or("without a word")), "{}", error);
            }
        }
    }

    /// A reason travels as it is, whatever words it has.
    #[test]
    fn a_reason_is_read_as_it_was_written(function in any_text(40), error in any_text(40)) {
        let because = EndReason::Failure { function, error };
        let mut fields = testing();
        fields.insert("because".to_owned(), serde_json::to_value(&because).expect("JSON"));
        let read: Release = event::read(&Value::Object(fields)).expect("a payload");
        prop_assert_eq!(read.because, because);
    }

    /// No output makes a verdict unless its last line and the exit code say the same.
    #[test]
    fn a_verdict_is_what_code_and_line_say(
        code in prop_oneof![Just(0), Just(1), Just(75), any::<i32>()],
        line in last_line(), before in any_text(40),
    ) {
        let report = report(code, format!("{before}\n{line}\n"));
        match Verdict::judge(&report) {
            Ok(verdict) => {
                prop_assert_eq!(&line["valid"], &json!(verdict.valid));
                prop_assert_eq!(code, i32::from(!verdict.valid));
                let counts = [&line["checks"], &line["tables"]];
                let counted = counts.iter().all(|count| count.as_u64().unwrap_or(0) > 0);
                prop_assert!(!verdict.valid || counted, "{}", line);
                let found = line["reason"].as_str().unwrap_or_default().trim();
                prop_assert!(verdict.valid || !found.is_empty(), "{}", line);
            }
            Err(error) => prop_assert_eq!(error.kind(), Kind::HostFailed),
        }
    }

    /// A good line that is cut anywhere, or has anything behind it, is no verdict.
    #[test]
    fn a_cut_last_line_is_no_verdict(cut in 0usize..72, behind in "[^\\s]{1,20}") {
        let good = r#"{"valid":true,"checks":9,"tables":3,"rows":1000,"seconds":2.5,"reason":""}"#;
        prop_assert!(Verdict::judge(&report(0, good.to_owned())).is_ok());
        let followed = format!("{good}\n{behind}");
        for spoilt in [good[..cut].to_owned(), followed] {
            prop_assert!(Verdict::judge(&report(0, spoilt.clone())).is_err(), "{}", spoilt);
        }
    }

    /// What becomes a tag has one line of at most 256 characters that EC2's XML can write.
    #[test]
    fn a_verdicts_detail_fits_a_tag(reason in any_text(600)) {
        let line = json!({
            "valid": false, "checks": 1, "tables": 1, "rows": 1, "seconds": 1, "reason": reason,
        });
        if let Ok(verdict) = Verdict::judge(&report(1, line.to_string())) {
            prop_assert!(verdict.detail.chars().count() <= 256);
            prop_assert!(!verdict.detail.chars().any(char::is_control), "{:?}", verdict.detail);
        }
    }
}
