//! The documents of the template.

use super::*;

/// What each document takes beside the host's settings, which have defaults.
const DOCUMENTS: [(&str, u64, &str); 5] = [
    ("ManifestCommand", 14_400, "dataDirectory"),
    ("MountCommand", 1800, "device runId volumeId"),
    ("ProgramsCommand", 300, "runId volumeId"),
    ("ReleaseCommand", 1800, "runId volumeId"),
    ("TestCommand", 40_200, "runId snapshotId volumeId"),
];

#[test]
fn documents_take_their_parameters_as_data() {
    let stack = stack(&[]);
    assert_eq!(stack.documents.len(), DOCUMENTS.len());
    for (document, (id, seconds, needed)) in stack.documents.iter().zip(DOCUMENTS) {
        assert_eq!(document.logical_id, id);
        let defaults = document.parameters.iter();
        let defaults = defaults.filter_map(|p| Some((p.name.clone(), p.default.clone()?)));
        let limit = execution_timeout(&document.timeout_seconds, &defaults.collect());
        assert_eq!(limit, Duration::from_secs(seconds));
        let open = document.parameters.iter().filter(|p| p.default.is_none());
        let open: Vec<_> = open.map(|p| p.name.as_str()).collect();
        assert_eq!(open, needed.split(' ').collect::<Vec<_>>());
        for parameter in &document.parameters {
            let DocumentParameter { name, .. } = parameter;
            // The limit alone never reaches the script.
            assert_eq!(parameter.env_var, name != "executionTimeout", "{id} {name}");
            // Older agents paste the value between single quotes.
            let pattern = parameter.allowed_pattern.as_ref().unwrap();
            let may = [
                "serverOptions",
                "requiredTables",
                "freshTables",
                "snapshotTime",
                "defaultsFile",
            ];
            assert_eq!(
                pattern.is_match(""),
                may.contains(&name.as_str()),
                "{id} {name}"
            );
            for bad in ["'", "a'b", "a\nb", "a b", "$(a)", "{{ runId }}"] {
                assert!(!pattern.is_match(bad), "{id} {name} {bad:?}");
            }
            if let Some(default) = &parameter.default {
                assert!(pattern.is_match(default), "{id} {name} {default}");
            }
            let fallback = format!("export SSM_{name}='{{{{ {name} }}}}'");
            assert_eq!(
                document.script.contains(&fallback),
                parameter.env_var,
                "{id} {name}"
            );
        }
        assert!(document.script.starts_with("#!/bin/bash\n"));
    }
}

/// Whoever may send a command could choose what root runs, and where.
#[test]
fn a_command_takes_programs_users_and_paths_of_the_stack_only() {
    let of_the_stack = [
        "mountPoint",
        "stateDirectory",
        "server",
        "client",
        "serverUser",
    ];
    let stack = stack(&[]);
    for document in &stack.documents {
        // Production has its own client, which never runs as root.
        if document.logical_id == "ManifestCommand" {
            continue;
        }
        let id = &document.logical_id;
        for parameter in &document.parameters {
            let name = &parameter.name;
            let fixed = of_the_stack.contains(&name.as_str());
            let fixed: Vec<_> = parameter.default.iter().filter(|_| fixed).collect();
            let allowed: Vec<_> = parameter.allowed_values.iter().collect();
            assert_eq!(allowed, fixed, "{id} {name}");
        }
    }
}

#[test]
fn an_include_that_cannot_be_read_says_how_to_make_it() {
    let other = TEMPLATE.replace("documents/test.json", "documents/none.json");
    let said = error(&other, &[]);
    assert!(
        said.contains("documents/none.json: `make documents`"),
        "{said}"
    );
    let other = TEMPLATE.replace("Name: AWS::Include", "Name: AWS::SecretsManager-2020-07-23");
    let said = error(&other, &[]);
    assert!(said.contains("is not modelled"), "{said}");
}

#[test]
fn a_command_checks_what_it_is_given() {
    let stack = stack(&[("MountPoint", "/mnt/x")]);
    let id = "MountCommand";
    let document = stack.documents.iter().find(|d| d.logical_id == id);
    let document = document.unwrap();
    let mut given: BTreeMap<String, Vec<String>> = [
        ("runId", "r-1"),
        ("volumeId", "vol-1"),
        ("device", "/dev/sdg"),
    ]
    .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
    .into();
    let command = document.command(&given).unwrap();
    assert_eq!(command.variables["SSM_runId"], "r-1");
    assert_eq!(command.variables["SSM_mountPoint"], "/mnt/x");
    assert!(!command.variables.contains_key("SSM_executionTimeout"));
    assert!(command.script.contains("export SSM_runId='r-1'; fi"));
    assert!(!command.script.contains("{{"));
    assert_eq!(command.execution_timeout, Duration::from_mins(30));

    // SSM takes what it cannot use for its default.
    for (text, seconds) in [("5", 5), ("172800", 172_800), ("4", 3600), ("172801", 3600)] {
        given.insert("executionTimeout".to_owned(), vec![text.to_owned()]);
        let command = document.command(&given).unwrap();
        assert_eq!(command.execution_timeout, Duration::from_secs(seconds));
    }

    for (name, values) in [
        ("volumeId", vec!["vol-1; reboot"]),
        ("volumeId", vec![]),
        ("volumeId", vec!["vol-1", "vol-2"]),
        ("snapshotId", vec!["snap-1"]),
        ("mountPoint", vec!["/mnt/y"]),
    ] {
        let mut given = given.clone();
        let values = values.into_iter().map(str::to_owned).collect();
        given.insert(name.to_owned(), values);
        let error = document.command(&given).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    given.remove("runId");
    let error = document.command(&given).unwrap_err().to_string();
    assert_eq!(error, "parameter runId is missing");
}
