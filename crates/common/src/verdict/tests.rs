use super::{Measured, Verdict, mounted};
use crate::error::Kind;
use crate::ssm::Report;

const GOOD: &str = r#"{"valid":true,"checks":9,"tables":3,"rows":1000,"seconds":2.5,"reason":""}"#;
const BAD: &str = r#"{"valid":false,"checks":9,"tables":3,"rows":10,"seconds":2.5,"reason":"shop.events: Corrupt"}"#;

fn report(response_code: i32, stdout: &str, stderr: &str) -> Report {
    Report {
        command_id: "c".to_owned(),
        status: String::new(),
        status_details: String::new(),
        response_code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        ended_at: None,
    }
}

/// Why this is no verdict, of a test and of a mount.
#[track_caller]
fn unknown(response_code: i32, stdout: &str, stderr: &str) -> String {
    let report = report(response_code, stdout, stderr);
    let error = Verdict::judge(&report).expect_err("no verdict");
    assert_eq!(error.kind(), Kind::HostFailed, "{error}");
    let of_mount = mounted(&report).expect_err("nothing known of the file system");
    assert_eq!(of_mount.to_string(), error.to_string());
    error.to_string()
}

#[test]
fn tag_and_metric_come_from_one_value() {
    // 2018's metric was computed from the text 'False', which is not empty: always 1.
    let verdict = |valid| Verdict {
        valid,
        detail: String::new(),
        measured: Measured {
            manifest: Some(false),
            ..Measured::default()
        },
        counts: super::Counts::default(),
        script: None,
    };
    assert_eq!((verdict(true).tag(), verdict(true).metric()), ("True", 1.0));
    assert_eq!(
        (verdict(false).tag(), verdict(false).metric()),
        ("False", 0.0)
    );
}

#[test]
fn valid_needs_a_test_that_says_what_it_checked() {
    let verdict = Verdict::judge(&report(0, &format!("table ok\n{GOOD}\n"), "")).expect("valid");
    assert!(verdict.valid);
    assert_eq!(verdict.detail, "3 tables, 1000 rows, 9 checks in 2.5 s");
    for stdout in [
        "",
        "all good",
        &GOOD.replace("\"tables\":3", "\"tables\":0"),
        &GOOD.replace("\"checks\":9", "\"checks\":0"),
        &GOOD.replace("true", "false"),
        &GOOD.replace("true", "null"),
        &"x".repeat(24_000),
    ] {
        let error = Verdict::judge(&report(0, stdout, "")).expect_err(stdout);
        assert!(
            error.to_string().contains("command c exited with 0"),
            "{error}"
        );
    }
}

#[test]
fn invalid_needs_a_code_and_a_line_that_agree_and_name_what_was_found() {
    let verdict = Verdict::judge(&report(1, &format!("FAIL\n{BAD}\n"), "")).expect("invalid");
    assert_eq!(
        (verdict.valid, verdict.detail.as_str()),
        (false, "shop.events: Corrupt")
    );
    assert!(!mounted(&report(1, BAD, "")).expect("broken"));
    for code in [2, 3, 32, 126, 127, 137, 194, 255, -1] {
        let error = unknown(code, BAD, "");
        assert!(error.contains("they do not agree"), "{code}: {error}");
        assert!(error.contains(&format!("exited with {code}")), "{error}");
    }
    for said in [GOOD, &GOOD.replace("true", "null")] {
        assert!(unknown(1, said, "").contains("they do not agree"));
    }
    let unnamed = unknown(1, &BAD.replace("shop.events: Corrupt", " "), "");
    assert!(unnamed.contains("its `reason` is empty"), "{unnamed}");
}

#[test]
fn a_line_that_is_not_whole_says_nothing() {
    let cut = |keep: usize| &BAD[..keep];
    let lines = [
        cut(BAD.len() - 1),
        cut(BAD.len() / 2),
        r#"{"valid":false}"#,
        r#"{"valid":"false","checks":1,"tables":1,"rows":1,"seconds":1,"reason":"x"}"#,
        r#"{"valid":false,"valid":false,"checks":1,"tables":1,"rows":1,"seconds":1,"reason":"x"}"#,
        "false",
        "[false]",
    ];
    for line in lines {
        unknown(1, line, "");
        unknown(0, line, "");
    }
    // An earlier line is not the last.
    unknown(1, &format!("{BAD}\nTerminated"), "");
    let cut = unknown(1, &format!("{}--output truncated--", cut(40)), "");
    assert!(cut.contains("24,000 characters"), "{cut}");
}

#[test]
fn seventy_five_is_no_verdict_whatever_the_line_says() {
    let error = unknown(75, "", "no mysqld at /x\n");
    assert_eq!(error, "command c could not check: no mysqld at /x");
    let error = unknown(75, BAD, "");
    assert_eq!(error, "command c could not check: shop.events: Corrupt");
    unknown(75, GOOD, "");
}

/// Cases 1 to 3 of the field: the agent and the shell have codes of their own.
#[test]
fn field_cases_1_2_3_codes_of_agent_and_shell_are_no_finding() {
    let full = "failed to create script file. open /var/lib/amazon/ssm/x/_script.sh: no space \
                left on device";
    let error = unknown(1, "", full);
    assert!(error.contains("no space left on device"), "{error}");
    assert!(error.contains("full disk"), "{error}");
    let memory = "failed to run commands: fork/exec /bin/sh: cannot allocate memory";
    assert!(unknown(1, "", memory).contains("cannot allocate memory"));
    let noexec = "sh: 1: _script.sh: Permission denied\nfailed to run commands: exit status 126";
    let error = unknown(126, "", noexec);
    assert!(error.contains("Permission denied"), "{error}");
    assert!(error.contains("noexec"), "{error}");
    let missing = "sh: 1: _script.sh: not found\nfailed to run commands: exit status 127";
    let error = unknown(127, "", missing);
    assert!(error.contains("not found"), "{error}");
    assert!(error.contains("bash"), "{error}");
    assert!(unknown(194, "", "").contains("restart the instance"));
    assert!(unknown(137, "", "").contains("memory"));
    assert!(unknown(143, "", "").contains("signal 15"));
}

/// Case 40: a step that is skipped is `Success`, and mounts nothing.
#[test]
fn field_case_40_a_skipped_step_has_not_mounted() {
    let skipped = "Step execution skipped due to unsupported plugin: aws:runShellScript.";
    let error = unknown(0, skipped, "");
    assert!(error.contains("unsupported plugin"), "{error}");
    assert!(error.contains("was its step skipped?"), "{error}");
    unknown(0, "", "");
}

#[test]
fn what_the_test_measured_comes_with_either_verdict() {
    let measured = "\",\"coverage\":80,\"paused_seconds\":95,\"manifest\":true}";
    for (code, said) in [(0, GOOD), (1, BAD)] {
        let with = said.replace("\"}", measured);
        let verdict = Verdict::judge(&report(code, &with, "")).expect("a verdict");
        assert_eq!(verdict.measured.coverage, Some(80.0), "{code}");
        assert_eq!(verdict.measured.paused_seconds, Some(95.0), "{code}");
        assert_eq!(verdict.measured.manifest, Some(true), "{code}");
        let verdict = Verdict::judge(&report(code, said, "")).expect("a verdict");
        assert_eq!(verdict.measured.coverage, None, "{code}");
        assert_eq!(verdict.measured.paused_seconds, None, "{code}");
        assert_eq!(verdict.measured.manifest, Some(false), "{code}");
    }
}

#[test]
fn the_detail_is_one_line_that_a_tag_takes() {
    let said = |reason: &str| {
        let line = BAD.replace("shop.events: Corrupt", reason);
        let verdict = Verdict::judge(&report(1, &line, "")).expect("invalid");
        verdict.detail
    };
    assert_eq!(
        said("shop.events: read\\nfailed"),
        "shop.events: read failed"
    );
    assert_eq!(said("a\\u001b[31mb\\u0001"), "a [31mb");
    assert_eq!(said(&"é".repeat(300)).chars().count(), 256);
}

#[test]
fn the_agents_own_last_line_is_not_taken_for_the_scripts() {
    let agent = "failed to run commands: exit status 32";
    let both = format!("mount: bad superblock\n{agent}");
    assert!(unknown(32, "", &both).contains("it said: mount: bad superblock;"));
    assert!(unknown(32, "no journal\n", agent).contains("it said: no journal;"));
    assert!(unknown(32, "", agent).contains("it printed nothing; it said: nothing;"));
}

#[test]
fn a_mount_needs_no_tables() {
    let done = GOOD.replace("\"tables\":3", "\"tables\":0");
    assert!(mounted(&report(0, &done, "")).expect("mounted"));
    assert!(mounted(&report(75, "", "no device")).is_err());
}
