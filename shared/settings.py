"""What can be set from outside, as `SUDA_*` environment variables; `./suda settings` prints this table."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import ConfigurationError


class Settings(BaseSettings):
    """One object for every process; unset means the embedded default."""

    model_config = SettingsConfigDict(env_prefix="SUDA_", frozen=True, extra="ignore")

    home: Path = Field(Path(".suda"), description="where the embedded parts, keys and the clock live")
    cache: Path = Field(Path("~/.cache/suda"), description="where Kafka's jars are kept between homes")
    kafka: str | None = Field(None, description="bootstrap servers of a Kafka to use instead of the embedded one")
    mongodb: str | None = Field(None, description="URI of a MongoDB to use instead of the embedded store")
    docker: bool = Field(True, description="use Docker for Kafka and MongoDB where an engine answers")
    clock: str | None = Field(None, description="real anchor, origin, speed (ISO instants, a number); else the home's")
    law: Path | None = Field(None, description="a folder with further instruments")
    operations: Path | None = Field(None, description="operational rules; default deploy/operations.yaml")
    directory: Path | None = Field(None, description="a directory file loaded by `up` when the topic is empty")
    keys: Path | None = Field(
        None, description="file with the master keys; default <home>/keys.json, made when embedded"
    )
    jwks: str | None = Field(None, description="URL of the OIDC issuer's key set; else the local issuer's secret")
    issuer: str = Field("suda-local", description="the `iss` a token must carry")
    database_prefix: str = Field("suda_", description="what the names of the databases begin with")
    partitions: int = Field(6, ge=1, le=1000, description="partitions of the case-bearing topics, fixed for life")
    replication: int = Field(1, ge=1, le=9, description="replicas of each topic; 3 in production")
    host: str = Field("127.0.0.1", description="the address the services listen on")
    intake_port: int = Field(8101, ge=0, le=65535, description="intake's HTTP port")
    routing_port: int = Field(8102, ge=0, le=65535, description="routing's HTTP port")
    sla_port: int = Field(8103, ge=0, le=65535, description="sla's HTTP port")
    reporting_port: int = Field(8104, ge=0, le=65535, description="reporting's HTTP port")
    kafka_port: int | None = Field(None, ge=1, le=65535, description="the embedded Kafka's port; default a free one")
    store_port: int | None = Field(None, ge=1, le=65535, description="the embedded store's port; default a free one")
    batch: int = Field(500, ge=1, le=10000, description="records taken from Kafka at a time")
    max_body_bytes: int = Field(500_000, ge=1000, description="largest HTTP body; sealed it grows by a third")
    max_record_bytes: int = Field(
        1_000_000, ge=10_000, description="largest Kafka record we make; below the topic's limit"
    )
    past_poison: str | None = Field(
        None,
        description="topics (a,b) whose bad records all go to suda.dlq without stopping the consumer; for one start",
    )
    send_timeout: float = Field(20.0, gt=0, description="seconds after which a send counts as failed")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    def port(self, service: str) -> int:
        """The HTTP port of a service by its name."""
        return int(getattr(self, f"{service}_port"))

    def database(self, name: str) -> str:
        """The database of a service (or `keys`) by its name."""
        return self.database_prefix + name


@lru_cache
def settings() -> Settings:
    """The process's settings, read once. Raises ConfigurationError naming the variable."""
    try:
        return Settings()  # type: ignore[call-arg, unused-ignore]
    except ValidationError as error:
        first = error.errors()[0]
        name = "SUDA_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"{name}: {first['msg']}; see ./suda settings") from None
