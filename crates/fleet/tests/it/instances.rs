//! A service as several processes.

use std::collections::BTreeSet;
use std::time::Duration;

use tradewind_fleet::{Fleet, FleetEvent, ServiceSpec, State, Template};

use crate::tiny::{spec, spec_after};
use crate::{Running, kill, options, order_of};

fn several(mut spec: ServiceSpec, instances: u16) -> ServiceSpec {
    spec.instances = instances;
    spec
}

#[tokio::test]
async fn each_instance_has_a_port_a_folder_a_number_and_a_name_of_its_own() {
    let mut many = several(spec("many", "ok"), 3);
    many.env.insert("TINY_NUMBER".to_owned(), Template::parse("{service} {instance}").unwrap());
    let running = Running::start(vec![many, spec("one", "ok")]);
    tokio::time::timeout(Duration::from_secs(30), running.handle.settled()).await.unwrap();
    let data = running.folder.path().join("data");
    let mut ports = BTreeSet::new();
    for (name, folder, number) in [("many.1", "many", 1), ("many.2", "many.2", 2), ("many.3", "many.3", 3)] {
        let status = running.status(name);
        assert_eq!((status.state, status.instance.number), (State::Ready, number));
        let wrote = std::fs::read_to_string(data.join(folder).join("was-here")).unwrap();
        assert_eq!(wrote, format!("many {number}"));
        ports.insert(status.address.port());
    }
    let reached = running.handle.addresses();
    let [many, one] = ["many", "one"].map(|name| reached.iter().find(|(it, _)| it.as_str() == name).unwrap().1.port());
    assert!(ports.len() == 3 && !ports.contains(&many), "whoever passes on needs a port that none of them has");
    assert_eq!(running.status("one").address.port(), one);
    running.stop().await;
}

#[tokio::test]
async fn an_instance_that_is_killed_comes_back_and_the_others_notice_nothing() {
    let running = Running::start(vec![several(spec("two", "ok"), 2)]);
    let first = running.until_state("two.1", State::Ready).await;
    let second = running.until_state("two.2", State::Ready).await;
    let mut changes = running.handle.changes();
    kill(second.pid.unwrap());
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.unwrap().unwrap();
    let back = running.until("two.2", |status| status.state == State::Ready && status.pid != second.pid).await;
    assert_eq!((back.address, back.restarts), (second.address, 1));
    assert_eq!((running.status("two.1").pid, running.status("two.1").restarts), (first.pid, 0));
    running.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_service_waits_for_one_instance_and_drains_before_all() {
    let mut base = several(spec("base", "only-2"), 3);
    base.env.insert("TINY_MODE".to_owned(), Template::parse("only-2-{instance}").unwrap());
    base.restart.falls_max = 1;
    let running = Running::start(vec![several(spec_after("top", "ok", &["base"]), 2), base]);
    for name in ["top.1", "top.2"] {
        running.until_state(name, State::Ready).await;
    }
    assert_eq!(running.status("base.2").state, State::Ready);
    running.until_state("base.1", State::Failed).await;
    let mut events = running.handle.events();
    running.stop().await;
    let mut order = order_of(&mut events, |event| matches!(event, FleetEvent::Stopped { .. }));
    assert_eq!(order.pop().as_deref(), Some("base.2"));
    assert_eq!(order.into_iter().collect::<BTreeSet<_>>(), ["top.1", "top.2"].map(str::to_owned).into());
}

#[tokio::test]
async fn all_instances_are_restarted_by_the_service_s_name_and_one_by_its_own() {
    let running = Running::start(vec![several(spec("two", "ok"), 2)]);
    let mut pids = Vec::new();
    for name in ["two.1", "two.2"] {
        pids.push(running.until_state(name, State::Ready).await.pid);
    }
    assert!(running.handle.restart("two.2").await);
    let second = running.until("two.2", |status| status.state == State::Ready && status.pid != pids[1]).await.pid;
    assert_eq!(running.status("two.1").pid, pids[0]);
    assert!(running.handle.restart("two").await);
    running.until("two.1", |status| status.state == State::Ready && status.pid != pids[0]).await;
    running.until("two.2", |status| status.state == State::Ready && status.pid != second).await;
    assert!(!running.handle.restart("two.3").await);
    running.stop().await;
}

#[tokio::test]
async fn a_service_is_reached_at_the_same_address_however_many_instances_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let addresses = |instances| {
        let specs = vec![several(spec("a", "ok"), instances), spec("b", "ok")];
        Fleet::new(options(folder.path()), specs).unwrap().handle().addresses()
    };
    assert_eq!(addresses(1), addresses(5));
    let mut given = several(spec("a", "ok"), 2);
    given.port = Some(crate::taken_port().1);
    let fleet = Fleet::new(options(folder.path()), vec![given.clone()]).unwrap().handle();
    assert_eq!(fleet.addresses().values().map(|address| Some(address.port())).collect::<Vec<_>>(), [given.port]);
}
