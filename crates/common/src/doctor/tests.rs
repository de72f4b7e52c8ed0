use serde_json::json;

use super::{Finding, LONGEST, MOST, Need, Seen, Stands, check, is_asked};
use crate::text::one_line;

#[test]
fn only_an_event_that_speaks_of_a_doctor_asks_for_one() {
    for event in [
        json!({}),
        json!({"doctor": false}),
        json!({"doctor": null}),
        json!([]),
        json!({"requestContext": {}, "requestPayload": {"run_id": "run-1"}}),
    ] {
        assert!(!is_asked(&event), "{event}");
    }
    // What cannot be read is refused by the doctor: a run that changes something was not asked for.
    for event in [
        json!({"doctor": true}),
        json!({"doctor": "true"}),
        json!({"doctor": 1}),
        json!({"requestContext": {}, "requestPayload": {"doctor": true}}),
    ] {
        assert!(is_asked(&event), "{event}");
    }
}

/// The characters that take most bytes as JSON.
#[test]
fn the_largest_payload_is_far_below_what_lambda_takes() {
    let saw = one_line(&"\u{1F480}".repeat(2 * LONGEST), LONGEST);
    let finding = Finding {
        step: 6,
        need: Need::RecursiveLoop,
        stands: Stands::NotKnown,
        saw,
    };
    let mut seen = Seen {
        doctor: true,
        findings: vec![finding.clone(); MOST],
        ..Seen::default()
    };
    check(&seen).unwrap();
    assert!(serde_json::to_vec(&seen).unwrap().len() < 256 * 1024);
    seen.findings.push(finding);
    assert!(check(&seen).is_err());
}

#[test]
fn findings_that_no_function_wrote_are_refused() {
    let refused = |change: fn(&mut Seen)| {
        let finding = Finding {
            step: 1,
            need: Need::Look,
            stands: Stands::Met,
            saw: "all".to_owned(),
        };
        let mut seen = Seen {
            doctor: true,
            findings: vec![finding],
            ..Seen::default()
        };
        check(&seen).unwrap();
        change(&mut seen);
        check(&seen).unwrap_err().to_string()
    };
    assert!(refused(|seen| seen.doctor = false).contains("`doctor`"));
    assert!(refused(|seen| seen.findings[0].step = 0).contains("`findings.step`"));
    assert!(refused(|seen| seen.findings[0].step = 7).contains("`findings.step`"));
    assert!(refused(|seen| seen.findings[0].saw = "a\nb".to_owned()).contains("`findings.saw`"));
    assert!(
        refused(|seen| seen.findings[0].saw = "x".repeat(LONGEST + 1)).contains("`findings.saw`")
    );
    let unknown = json!({"doctor": true, "findings": [{"step": 1, "need": "rm", "stands": "met", "saw": ""}]});
    assert!(serde_json::from_value::<Seen>(unknown).is_err());
}
