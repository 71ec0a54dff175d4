"""The parts of shared/stack that need no Kafka: ports, records of processes, the jar lock, logs, the set-up."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli import down
from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.stack import docker, jars, kafka, logs, process, setup_venv
from shared.stack.ports import Ports
from shared.stack.provide import environment
from shared.stack.supervisor import Supervisor

HASH = "0" * 64
SOUND = f"org.apache.kafka:kafka_2.13:4.1.1 {HASH}\norg.apache.kafka:kafka-clients:4.1.1 {HASH}\n"


@contextmanager
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        yield child
        child.kill()


def record_of(child: "subprocess.Popen[bytes]", name: str = "routing") -> process.Record:
    return process.Record(name, child.pid, process.started(child.pid) or "", "ready")


# ---- ports


def test_ports_are_chosen_once_and_kept_in_the_home(tmp_path: Path) -> None:
    first = Ports(Settings(home=tmp_path), tmp_path, print)
    chosen = [first.choose(name) for name in ("kafka", "store", "kafka_controller")]
    first.release()
    second = Ports(Settings(home=tmp_path), tmp_path, print)
    assert [second.choose(name) for name in ("kafka", "store", "kafka_controller")] == chosen
    assert len(set(chosen)) == 3
    second.release()


def test_two_homes_that_start_at_the_same_moment_never_share_a_port(tmp_path: Path) -> None:
    homes = [Ports(Settings(home=tmp_path / name), tmp_path / name, print) for name in ("a", "b")]
    ports = [home.choose(name) for name in ("intake", "routing", "kafka") for home in homes]
    assert len(set(ports)) == 6
    for home in homes:
        home.release()


def test_a_port_asked_for_by_name_that_is_taken_is_refused_with_the_variable(tmp_path: Path) -> None:
    with listener() as taken, pytest.raises(ConfigurationError, match=f"{taken}.*SUDA_INTAKE_PORT"):
        Ports(Settings(home=tmp_path, intake_port=taken), tmp_path, print).choose("intake")


def test_a_default_port_that_is_taken_is_replaced_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    with listener() as taken:
        settings = Settings(home=tmp_path).model_copy(update={"intake_port": taken})
        settings.model_fields_set.discard("intake_port")
        ports = Ports(settings, tmp_path, said.append)
        assert ports.choose("intake") != taken
    assert str(taken) in said[0]
    ports.release()


def test_a_second_instance_gets_a_free_port_even_where_the_first_was_named(tmp_path: Path) -> None:
    ports = Ports(Settings(home=tmp_path, routing_port=0), tmp_path, print)
    assert ports.choose("routing") != ports.choose("routing-2") != 0
    ports.release()


def test_a_damaged_ports_file_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("[1, 2")
    ports = Ports(Settings(home=tmp_path), tmp_path, print)
    assert ports.choose("store") in range(20_000, 32_000)
    ports.release()


# ---- processes


def test_a_record_knows_its_process(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    process.write(tmp_path, record_of(sleeper))
    found = process.read(tmp_path, "routing")
    assert found and found.alive
    sleeper.kill()
    sleeper.wait()
    assert not found.alive


def test_another_process_with_the_same_pid_is_left_alone(sleeper: "subprocess.Popen[bytes]") -> None:
    stranger = replace(record_of(sleeper), started="some other time")
    assert process.end([stranger]) == []
    assert sleeper.poll() is None


def test_a_leftover_is_ended_even_while_it_is_stopped(sleeper: "subprocess.Popen[bytes]") -> None:
    sleeper.send_signal(signal.SIGSTOP)
    assert [record.name for record in process.end([record_of(sleeper)])] == ["routing"]
    assert sleeper.wait() == -signal.SIGTERM


def test_a_leftover_that_ignores_the_request_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline()
        process.end([record_of(child)], grace=0.1)
        assert child.wait() == -signal.SIGKILL


def test_the_next_supervisor_ends_what_a_killed_one_left(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    process.write(tmp_path, record_of(sleeper))
    said: list[str] = []
    with Supervisor(tmp_path, said.append):
        assert sleeper.wait(5) == -signal.SIGTERM
    assert "routing" in said[0]
    assert process.records(tmp_path) == []


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "kafka.json").write_text('{"name": "kafka"')
    assert process.records(tmp_path) == []


def test_a_home_has_one_supervisor(tmp_path: Path) -> None:
    with (
        Supervisor(tmp_path, print),
        pytest.raises(ConfigurationError, match="already runs"),
        Supervisor(tmp_path, print),
    ):
        pass
    with Supervisor(tmp_path, print):
        pass  # and the home is free again


def test_the_leash_refuses_to_start_anything_for_a_supervisor_that_died() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(kafka.LEASH), "1", "true"], check=False)
    assert done.returncode == (1 if os.getpid() != 1 else 0)


# ---- Kafka's jars


def test_the_committed_lock_names_one_broker_version() -> None:
    found = jars.parse(jars.LOCK.read_text())
    assert {jar.version for jar in found if jar.artifact.startswith("kafka")} == {found[0].version} or len(found) > 40
    assert "log4j-slf4j-impl" in {jar.artifact for jar in found}


@pytest.mark.parametrize(
    "text",
    [
        "org.apache.kafka:kafka_2.13:4.1.1\n",
        SOUND.replace("kafka-clients:4.1.1", "kafka-clients:3.8.0"),
        SOUND.replace("4.1.1", "4.0.0"),
        "",
    ],
    ids=["no hash", "an older client", "another series", "empty"],
)
def test_a_wrong_lock_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.lock"):
        jars.parse(text)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, list[str]]:
    """A cache, a lock of two jars, and what was fetched from a repository that has exactly those."""
    content = {"kafka_2.13": b"broker", "kafka-clients": b"client"}
    lock = tmp_path / "kafka.lock"
    lines = [f"org.apache.kafka:{name}:4.1.1 {hashlib.sha256(data).hexdigest()}" for name, data in content.items()]
    lock.write_text("\n".join(lines))
    fetched: list[str] = []

    def fetch(repository: Path, wanted: list[jars.Jar], say: object) -> None:
        for jar in wanted:
            fetched.append(jar.artifact)
            (repository / jar.place).parent.mkdir(parents=True, exist_ok=True)
            (repository / jar.place).write_bytes(content[jar.artifact])

    monkeypatch.setattr(jars, "_fetch", fetch)
    return tmp_path / "cache", lock, fetched


def test_a_damaged_jar_is_fetched_anew_and_a_sound_one_is_not(cache: tuple[Path, Path, list[str]]) -> None:
    folder, lock, fetched = cache
    paths = jars.classpath(folder, print, lock)
    assert fetched == ["kafka_2.13", "kafka-clients"]
    paths[1].write_bytes(b"half of it")
    assert jars.classpath(folder, print, lock) == paths
    assert fetched[2:] == ["kafka-clients"]


def test_a_jar_that_differs_from_the_lock_is_never_used(cache: tuple[Path, Path, list[str]]) -> None:
    folder, lock, _ = cache
    lock.write_text(SOUND)
    with pytest.raises(ConfigurationError, match="SHA-256"):
        jars.classpath(folder, print, lock)
    assert not list(folder.rglob("*.jar"))


def test_a_cache_that_cannot_be_made_is_said_with_the_mend(cache: tuple[Path, Path, list[str]]) -> None:
    folder, lock, _ = cache
    folder.write_text("a file")
    with pytest.raises(ConfigurationError, match="SUDA_CACHE"):
        jars.classpath(folder, print, lock)


# ---- settings, logs, health


def test_services_get_every_setting_that_was_set_with_absolute_paths() -> None:
    settings = Settings(home=Path("x"), directory=Path("d.yaml"), partitions=3, intake_port=9)
    found = environment(settings, "127.0.0.1:1", "mongodb://h", Path("/home"))
    assert found["SUDA_PARTITIONS"] == "3" and found["SUDA_KAFKA"] == "127.0.0.1:1" and found["SUDA_HOME"] == "/home"
    assert Path(found["SUDA_DIRECTORY"]).is_absolute()
    assert "SUDA_INTAKE_PORT" not in found  # chosen per process


def test_logs_are_bounded_and_go_on_after_a_cut(tmp_path: Path) -> None:
    with logs.opened(tmp_path, "kafka") as log:
        log.write(b"x" * 2000)
        log.flush()
        logs.trim(logs.path(tmp_path, "kafka"), largest=1000)
        log.write(b"\nlast words\n\n")
    assert logs.path(tmp_path, "kafka").stat().st_size < 100
    assert logs.last_line(logs.path(tmp_path, "kafka")) == "last words"
    assert (tmp_path / "logs" / "kafka.log.1").stat().st_size == 2000


def test_a_port_that_accepts_and_says_nothing_is_not_a_kafka() -> None:
    with listener() as port:
        assert not kafka.answers(f"127.0.0.1:{port}", timeout=0.1)
    assert not kafka.answers("nonsense", timeout=0.1)


def test_no_docker_is_found_out_without_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert not docker.answers()


def test_a_home_stays_with_the_parts_its_data_was_made_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "answers", lambda timeout=0.2: True)
    settings, begun = Settings(docker=True), tmp_path / "begun"
    (begun / "kafka").mkdir(parents=True)
    assert docker.chosen(settings, tmp_path / "new") and not docker.chosen(settings, begun)
    assert not docker.chosen(Settings(docker=False), tmp_path / "new")
    (tmp_path / "contained" / "kafka-docker").mkdir(parents=True)
    assert docker.chosen(settings, tmp_path / "contained")
    monkeypatch.setattr(docker, "answers", lambda timeout=0.2: False)
    with pytest.raises(ConfigurationError, match="start Docker"):
        docker.chosen(settings, tmp_path / "contained")


def test_a_password_in_an_address_is_not_shown() -> None:
    assert process.without_password("mongodb://me:secret@db:1/x") == "mongodb://…@db:1/x"
    assert process.without_password("mongodb://db:1/x") == "mongodb://db:1/x"


# ---- clean


def test_clean_refuses_a_folder_that_is_not_a_home(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    with pytest.raises(ConfigurationError, match="not a home"):
        down.refuse_foreign(tmp_path)


def test_clean_refuses_a_home_that_is_also_somebody_elses_folder(tmp_path: Path) -> None:
    for name in ("run", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError, match=r"\.git"):
        down.refuse_foreign(tmp_path)


# ---- the launcher's set-up


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "differs from requirements.lock"),
        ("NewConnectionError: Failed to establish a new connection", "cannot be reached"),
        ("ERROR: Could not find a version that satisfies the requirement x", "no wheel"),
        ("note\nValueError: strange", "ValueError: strange"),
    ],
)
def test_a_failed_set_up_says_the_mend(
    said: str, mend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "setup.log"
    log.write_text(said)
    with pytest.raises(SystemExit) as ended:
        setup_venv.explain(log)
    assert ended.value.code == 2
    assert mend in capsys.readouterr().err


def test_the_stamp_holds_only_for_this_lock_and_this_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "requirements.lock").write_text("a==1\n")
    for name, value in (("ROOT", tmp_path), ("VENV", tmp_path / ".venv")):
        monkeypatch.setattr(setup_venv, name, value)
    monkeypatch.setattr(setup_venv, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(setup_venv, "COMPLETE", tmp_path / ".venv" / ".complete")
    assert not setup_venv.is_complete()
    (tmp_path / ".venv" / ".complete").write_text(setup_venv.expected())
    assert setup_venv.is_complete()
    (tmp_path / "requirements.lock").write_text("a==2\n")
    assert not setup_venv.is_complete()


def test_the_lock_names_no_registry_and_no_machine() -> None:
    text = setup_venv.LOCK.read_text()
    assert "://" not in text and "/root" not in text and "/home" not in text
