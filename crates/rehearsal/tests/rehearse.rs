//! `rehearse` as a person runs it: real binaries, real scripts, a real server.
//!
//! Needs the six binaries beside it: `cargo build --workspace --bins`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use aws_stand_in::template::TEMPLATE;
use serde_json::{Value, json};

/// The six programs, which are named like their crates.
const STEPS: [&str; 6] = [
    "step1-snapshot",
    "step2-volume",
    "step3-attach",
    "step4-mount",
    "step5-run-test",
    "step6-await-result",
];

/// One rehearsal at a time: what is left of one must not be taken for another's.
static ONE: Mutex<()> = Mutex::new(());

fn rehearse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The line of the summary that begins with this name.
fn summary<'a>(printed: &'a str, name: &str) -> &'a str {
    let lines = printed
        .lines()
        .skip_while(|line| !line.starts_with("verdict"));
    let mut values = lines.filter_map(|line| line.strip_prefix(name));
    values
        .next()
        .unwrap_or_else(|| panic!("no line {name} in:\n{printed}"))
        .trim()
}

fn play(arguments: &[&str]) -> (Option<i32>, String) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Output { status, stdout, .. } = rehearse(arguments).output().expect("rehearse runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned())
}

#[test]
fn a_good_backup() {
    let (code, printed) = play(&[]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(summary(&printed, "verdict"), "valid");
    assert_eq!(summary(&printed, "DBBackupValid"), "True");
    assert_eq!(summary(&printed, "infobright_backup_valid"), "1");
    assert!(summary(&printed, "DBBackupCheckDetail").starts_with("4 tables, 100000 rows, "));
    assert_eq!(summary(&printed, "left"), "nothing");
}

/// The JSON that follows the line that begins with this.
fn told(printed: &str, title: &str) -> Value {
    let (_, after) = printed
        .split_once(title)
        .unwrap_or_else(|| panic!("no {title} in:\n{printed}"));
    let (_, json) = after.split_once('\n').expect("JSON below it");
    let mut values = serde_json::Deserializer::from_str(json).into_iter();
    values.next().expect("a value").expect("JSON")
}

/// A good, a bad and an undetermined night: what is kept of each, and what step 1 says then.
#[test]
fn the_record_and_the_status_after_a_night() {
    for (backup, verdict, tag) in [
        ("good", "valid", "valid"),
        ("damaged", "invalid", "invalid"),
        ("kernel", "undetermined", "none"),
    ] {
        let (_, printed) = play(&["--backup", backup, "--status"]);
        let record = told(&printed, "\nrecord  ");
        let status = told(&printed, "\nstatus");
        assert_eq!(record["verdict"], verdict, "{printed}");
        let last = &status["last_snapshots"][0];
        assert_eq!(last["verdict"], tag, "{printed}");
        assert_eq!(status["held_now"], json!([]), "{printed}");
        let good = status["newest_known_good"].is_object();
        assert_eq!(good, backup == "good", "{printed}");
        if verdict == "undetermined" {
            let reason = record["reason"].as_str();
            assert!(reason.is_some_and(|reason| reason.contains("this host's kernel")));
        } else {
            // The sum of the script as a release has it.
            assert_eq!(record["script"], sum_of_the_test(), "{printed}");
        }
    }
}

fn sum_of_the_test() -> String {
    let sum = "../../documents/build --print test | sha256sum | cut -c 1-16";
    let summed = Command::new("sh")
        .args(["-c", sum])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let sum = summed.expect("it runs").stdout;
    String::from_utf8_lossy(&sum).trim().to_owned()
}

#[test]
fn the_doctor_finds_nothing_missing_here() {
    let (code, printed) = play(&["--doctor"]);
    assert_eq!(code, Some(0), "{printed}");
    let (_, table) = printed.split_once("\ndoctor\n").expect("the table");
    for need in ["snapshot", "SSM agent", "database server", "perl"] {
        let met = format!("met        {need}  ");
        assert!(table.contains(&met), "{need} in:\n{table}");
    }
    assert!(table.contains("left          nothing"), "{table}");
}

#[test]
fn a_damaged_table_is_named() {
    for more in [
        &["--backup", "damaged"][..],
        &["--backup", "damaged", "--directories"],
    ] {
        let (code, printed) = play(more);
        assert_eq!(code, Some(1), "{printed}");
        assert_eq!(summary(&printed, "verdict"), "invalid");
        assert_eq!(summary(&printed, "DBBackupValid"), "False");
        assert_eq!(summary(&printed, "infobright_backup_valid"), "0");
        assert!(summary(&printed, "DBBackupCheckDetail").contains("shop.orders"));
        assert_eq!(summary(&printed, "left"), "nothing");
    }
}

#[test]
fn a_broken_file_system() {
    let (code, printed) = play(&["--backup", "filesystem"]);
    assert_eq!(code, Some(1), "{printed}");
    assert_eq!(summary(&printed, "DBBackupValid"), "False");
    assert!(summary(&printed, "DBBackupCheckDetail").contains("no file system on volume"));
    assert_eq!(summary(&printed, "left"), "nothing");
}

/// Each kind that is neither a plain damage nor a plain good backup.
#[test]
fn what_is_odd_is_not_taken_for_damage() {
    let (code, printed) = play(&["--backup", "hostile"]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(summary(&printed, "DBBackupValid"), "True");
    assert!(summary(&printed, "DBBackupCheckDetail").starts_with("5 tables, "));
    for (backup, reason) in [
        ("redolog", "the redo log of InnoDB"),
        ("kernel", "this host's kernel"),
    ] {
        let (code, printed) = play(&["--backup", backup]);
        assert_eq!(code, Some(2), "{printed}");
        assert_eq!(summary(&printed, "verdict"), "undetermined");
        assert_eq!(summary(&printed, "DBBackupValid"), "-");
        assert!(summary(&printed, "event").contains(reason), "{printed}");
        assert_eq!(summary(&printed, "left"), "nothing");
    }
}

#[test]
fn what_belongs_to_the_data_beside_its_rows() {
    for (backup, named) in [("view", "shop.good_customers"), ("link", "shop/visits.MYD")] {
        let (code, printed) = play(&["--backup", backup]);
        assert_eq!(code, Some(1), "{printed}");
        assert_eq!(summary(&printed, "DBBackupValid"), "False");
        assert!(summary(&printed, "DBBackupCheckDetail").contains(named));
        assert_eq!(summary(&printed, "left"), "nothing");
    }
}

#[test]
fn no_backup() {
    let (code, printed) = play(&["--backup", "none"]);
    assert_eq!(code, Some(2), "{printed}");
    assert_eq!(summary(&printed, "verdict"), "undetermined");
    assert_eq!(summary(&printed, "DBBackupValid"), "-");
    assert_eq!(summary(&printed, "infobright_backup_valid"), "-");
    assert!(summary(&printed, "event").contains("is the backup job running?"));
    assert_eq!(summary(&printed, "left"), "nothing");
}

/// A folder as `make package` leaves it: each bootstrap starts the binary beside `rehearse`.
fn packed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let mut template = TEMPLATE.to_owned();
    for step in STEPS {
        template = template.replace(
            &format!("CodeUri: crates/{step}\n"),
            &format!("CodeUri: {step}.zip\n"),
        );
        let built = Path::new(env!("CARGO_BIN_EXE_rehearse")).with_file_name(step);
        // Six debug builds take a minute to unpack; CI rehearses the zips that are released.
        let bootstrap = folder.path().join("bootstrap");
        let starts = format!("#!/bin/sh\nexec '{}'\n", built.display());
        fs::write(&bootstrap, starts).expect("a script");
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).expect("a mode");
        pack(&folder.path().join(format!("{step}.zip")), &bootstrap);
    }
    let name = format!("template-{architecture}.yaml");
    fs::write(folder.path().join(name), template).expect("a template");
    folder
}

/// Zips a program as a bootstrap, with its mode.
fn pack(zip: &Path, program: &Path) {
    const PACK: &str = "import sys, zipfile
zipfile.ZipFile(sys.argv[1], 'w').write(sys.argv[2], 'bootstrap')";
    let packed = Command::new("python3")
        .args(["-c", PACK])
        .arg(zip)
        .arg(program)
        .status();
    assert!(
        packed.expect("python3 runs").success(),
        "{}",
        program.display()
    );
}

#[test]
fn a_night_from_the_zips_that_lambda_would_get() {
    let folder = packed();
    let zips = folder.path().to_string_lossy().into_owned();
    let night = |more: &[&str]| play(&[&["--zips", &zips][..], more].concat());
    let (code, printed) = night(&[]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(summary(&printed, "verdict"), "valid");
    assert_eq!(summary(&printed, "left"), "nothing");

    // What is in a zip is what runs, and not the program of the same name beside `rehearse`.
    let other = folder.path().join("other");
    fs::write(&other, "#!/bin/sh\nexit 3\n").expect("a script");
    let zip = folder.path().join("step4-mount.zip");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("a mode");
    pack(&zip, &other);
    let (code, printed) = night(&[]);
    assert_eq!(code, Some(2), "{printed}");
    assert!(
        summary(&printed, "event").contains("step-4-mount error: Runtime.ExitError"),
        "{printed}"
    );
    assert!(
        printed.contains("Runtime exited: exit status: 3"),
        "{printed}"
    );

    // Lambda does not start what may not be executed.
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).expect("a mode");
    pack(&zip, &other);
    let (code, printed) = night(&["--directories"]);
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("Permission denied"), "{printed}");
}

#[test]
fn what_is_not_packed_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let zips = folder.path().to_string_lossy().into_owned();
    for (wanted, template) in [
        ("make package ARCHITECTURE=", None),
        ("crates/step1-snapshot", Some(TEMPLATE)),
    ] {
        if let Some(text) = template {
            for architecture in ["x86_64", "arm64"] {
                let name = format!("template-{architecture}.yaml");
                fs::write(folder.path().join(name), text).expect("a template");
            }
        }
        let output = rehearse(&["--zips", &zips, "--directories"])
            .output()
            .expect("rehearse runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(wanted), "{said}");
        assert!(said.contains(&zips), "{said}");
    }
}

#[test]
fn a_canary_is_caught() {
    let (code, printed) = play(&["--backup", "canary"]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(summary(&printed, "verdict"), "canary caught");
    assert_eq!(summary(&printed, "DBBackupValid"), "-");
    assert_eq!(summary(&printed, "infobright_backup_valid"), "-");
    let metric = "infobright_backup_check.canary_caught";
    assert_eq!(summary(&printed, metric), "1");
    assert_eq!(summary(&printed, "left"), "nothing");
}

#[test]
fn the_menu_is_the_one_of_damage_sh() {
    let menu = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/host/damage.sh"))
        .arg("help")
        .output();
    let menu = menu.expect("it runs").stdout;
    let menu = String::from_utf8_lossy(&menu);
    let (code, printed) = play(&["--backup", "help"]);
    assert_eq!((code, printed.trim()), (Some(0), menu.trim()));
    let unknown = rehearse(&["--backup", "nonsense"]).output();
    let unknown = unknown.expect("rehearse runs");
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(said.contains("unknown backup nonsense"), "{said}");
    assert!(said.contains(menu.trim()), "{said}");
}
