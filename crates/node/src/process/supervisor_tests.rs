//! Tests with real processes: small shell scripts.

use jeroboam_types::agent::{ComponentReport, Facts};

use super::*;

struct Fixture {
    supervisor: Supervisor,
    board: Arc<Board>,
    folder: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let board = Arc::new(Board::new(Facts::default()));
    Fixture { supervisor: Supervisor::new(board.clone(), folder.path()), board, folder }
}

fn shell(script: &str) -> Spec {
    Spec::new("shell", "/bin/sh").arguments(vec!["-c".to_owned(), script.to_owned()])
}

async fn until(board: &Board, wanted: impl Fn(&ComponentReport) -> bool) -> ComponentReport {
    let mut states = board.subscribe();
    let waiting = states.wait_for(|state| state.components.iter().any(&wanted));
    let state = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("in time").unwrap();
    state.components.iter().find(|component| wanted(component)).cloned().unwrap()
}

#[tokio::test]
async fn a_process_that_ends_is_started_again_and_its_last_words_are_kept() {
    let f = fixture();
    f.supervisor.ensure(shell("echo fatal error: no disk >&2; exit 3"), Probe::Socket("/nowhere".into())).await;
    let component = until(&f.board, |component| component.restarts >= 2).await;
    assert_eq!(component.log, ["fatal error: no disk"]);
    assert_eq!(component.state, ComponentState::BackOff);
    let log = std::fs::read_to_string(f.folder.path().join("shell.log")).unwrap();
    assert!(log.starts_with("fatal error: no disk\n"), "{log}");
}

#[tokio::test]
async fn a_silent_end_is_told_by_its_exit_code_or_signal() {
    let f = fixture();
    f.supervisor.ensure(shell("exit 7"), Probe::Socket("/nowhere".into())).await;
    assert_eq!(until(&f.board, |c| c.restarts == 1).await.log, ["exited with code 7"]);
    f.supervisor.ensure(shell("kill -9 $$"), Probe::Socket("/nowhere".into())).await;
    assert_eq!(until(&f.board, |c| c.log == ["killed by SIGKILL"]).await.restarts, 1);
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let f = fixture();
    f.supervisor.ensure(Spec::new("shell", "/nowhere/etcd"), Probe::Running).await;
    let component = until(&f.board, |component| component.restarts == 1).await;
    assert!(component.log[0].contains("cannot run /nowhere/etcd: No such file"), "{:?}", component.log);
}

#[tokio::test]
async fn it_is_up_once_its_probe_says_so() {
    let f = fixture();
    let socket = f.folder.path().join("socket");
    f.supervisor.ensure(shell("exec sleep 60"), Probe::Socket(socket.clone())).await;
    until(&f.board, |component| component.state == ComponentState::Starting).await;
    let _listener = tokio::net::UnixListener::bind(&socket).unwrap();
    tokio::time::timeout(Duration::from_secs(5), f.supervisor.ready("shell")).await.expect("ready");
    f.supervisor.stop("shell").await;
}

#[tokio::test]
async fn the_same_spec_is_left_alone_and_a_changed_one_started_anew() {
    let f = fixture();
    let pid_file = f.folder.path().join("pid");
    let spec = |extra: &str| shell(&format!("echo $$ > {}; exec sleep 60 {extra}", pid_file.display()));
    let pid = async || {
        loop {
            match std::fs::read_to_string(&pid_file) {
                Ok(text) if text.ends_with('\n') => break text,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    f.supervisor.ensure(spec(""), Probe::Running).await;
    let first = pid().await;
    f.supervisor.ensure(spec(""), Probe::Running).await;
    assert_eq!(pid().await, first);
    std::fs::remove_file(&pid_file).unwrap();
    f.supervisor.ensure(spec("0"), Probe::Running).await;
    assert_ne!(pid().await, first);
    f.supervisor.stop_all(&[]).await;
}

#[tokio::test]
async fn stopping_lets_the_process_end_by_itself() {
    let f = fixture();
    let farewell = f.folder.path().join("farewell");
    let ready = f.folder.path().join("ready");
    let script = format!(
        "trap 'echo bye > {}; exit 0' TERM; : > {}; while :; do sleep 0.02; done",
        farewell.display(),
        ready.display()
    );
    f.supervisor.ensure(shell(&script), Probe::Running).await;
    while !ready.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    f.supervisor.stop("shell").await;
    assert_eq!(std::fs::read_to_string(farewell).unwrap(), "bye\n");
}

#[tokio::test]
async fn configuration_files_are_there_before_the_process_is() {
    let f = fixture();
    let config = f.folder.path().join("etc/config");
    let copy = f.folder.path().join("copy");
    let spec = shell(&format!("cat {} > {}; exec sleep 60", config.display(), copy.display()))
        .file(&config, "value: 1\n".to_owned());
    f.supervisor.ensure(spec, Probe::Running).await;
    while !std::fs::read_to_string(&copy).is_ok_and(|text| text == "value: 1\n") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    f.supervisor.stop("shell").await;
}

#[test]
fn only_recent_ends_since_the_newest_assignment_count_as_a_crash_loop() {
    let begun = Instant::now();
    let mut ends = Ends::default();
    for _ in 0..4 {
        ends.add(false, begun);
    }
    assert_eq!((ends.all, ends.recent.len(), ends.before_ready), (4, 4, 4));
    std::thread::sleep(Duration::from_millis(2));
    let begun = Instant::now();
    ends.add(false, begun);
    assert_eq!((ends.all, ends.recent.len(), ends.before_ready), (5, 1, 1), "a newer assignment starts over");
    ends.add(true, begun);
    assert_eq!((ends.all, ends.recent.len(), ends.before_ready), (6, 2, 0));
}

#[tokio::test]
async fn a_component_in_trouble_gets_another_chance_with_the_next_assignment() {
    let f = fixture();
    f.supervisor.ensure(shell("exit 1"), Probe::Socket("/nowhere".into())).await;
    until(&f.board, |component| component.recent_restarts >= 2).await;
    f.board.begin(2, &["shell"]);
    let component = f.board.subscribe().borrow().components[0].clone();
    assert_eq!((component.state, component.recent_restarts), (ComponentState::Starting, 0));
    assert!(until(&f.board, |component| component.recent_restarts >= 1).await.restarts >= 3);
}

#[tokio::test]
async fn what_does_not_answer_any_more_is_reported_and_what_answers_again_is_up() {
    let f = fixture();
    let socket = f.folder.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let (hangs, mut is_hanging) = tokio::sync::watch::channel(false);
    let server = tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            is_hanging.wait_for(|hangs| !hangs).await.unwrap();
            drop(connection);
        }
    });
    f.supervisor.ensure(shell("exec sleep 60"), Probe::Socket(socket)).await;
    until(&f.board, |component| component.state == ComponentState::Up).await;
    hangs.send_replace(true);
    until(&f.board, |component| component.state == ComponentState::Unresponsive).await;
    let problem = f.board.subscribe().borrow().report().problem.unwrap();
    assert_eq!(problem.code, "component_unresponsive");
    hangs.send_replace(false);
    let component = until(&f.board, |component| component.state == ComponentState::Up).await;
    assert_eq!(component.restarts, 0, "it was left alone");
    f.supervisor.stop("shell").await;
    server.abort();
}
