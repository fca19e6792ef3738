"""The Compose models that are handed to Compose."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour, colour_project, image_reference
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import compose_models, compose_networks, live_network
from hitless.domain.release import connections as connecting
from tests.domain.builders import SHOP, application, compose, prepared, release, web

NETWORK = "gate_webgateway"
GATEWAY = Gateway("gate", "gate-traefik-1", NETWORK, {"web": 80})
OURS: Json = {"labels": {"hitless.application": SHOP}}


def colour_model(services: Json | None = None, colour: Colour = Colour.GREEN, **keys: Any) -> dict[str, Any]:
    """The model of a colour of release 7."""
    return compose_models.colour_model(prepared(services, **keys), release(7), colour, GATEWAY)


def service(**keys: Any) -> dict[str, Any]:
    """One routed service with these keys, in a colour."""
    found: dict[str, Any] = colour_model({"app": web(**keys)})["services"]["app"]
    return found


def service_labels(labels: Json) -> Json:
    """The labels of a service, in a colour."""
    found: Json = colour_model({"app": web(labels)})["services"]["app"]["labels"]
    return found


class TestBuild:
    """What `docker compose build` gets."""

    BUILD: ClassVar[Json] = {"context": "/src", "dockerfile": "Dockerfile"}

    def test_only_what_is_built_under_the_releases_own_tag(self) -> None:
        services = {"app": web(build=self.BUILD, environment={"A": "b"}), "db": {"image": "db:1"}}
        assert compose_models.build_model(application(services), {"app": "hitless:shop.r7.app"}) == {
            "name": SHOP,
            "services": {"app": {"build": self.BUILD, "image": "hitless:shop.r7.app"}},
            "secrets": {},
        }

    def test_for_another_platform(self) -> None:
        found = compose_models.build_model(
            application({"app": web(build=self.BUILD, platform="linux/arm64")}), {"app": "app:1"}
        )
        assert found["services"]["app"]["platform"] == "linux/arm64"

    def test_with_secrets(self) -> None:
        secrets = {"token": {"file": "/x"}}
        built = application({"app": web(build=self.BUILD)}, secrets=secrets)
        found = compose_models.build_model(built, {"app": "app:1"})
        assert found["secrets"] == secrets

    def test_nothing_is_built(self) -> None:
        assert compose_models.build_model(application(), {})["services"] == {}


class TestBuilder:
    """Which other service builds the image that one runs."""

    BUILT: ClassVar[Json] = web(build={"context": "."})

    def of(self, service: Json) -> str | None:
        found = application({"app": {**self.BUILT, "image": "shop"}, "worker": service})
        return compose_models.builder(found, "worker")

    def test_that_another_service_builds(self) -> None:
        assert self.of({"image": "shop"}) == "app"

    def test_that_comes_from_a_registry(self) -> None:
        assert self.of({"image": "redis:7"}) is None

    def test_of_services_that_are_built_and_named_nothing(self) -> None:
        found = application({"app": {**self.BUILT, "image": None}, "worker": {"build": {"context": "w"}}})
        assert compose_models.builder(found, "worker") is None


class TestService:
    """A service in a colour."""

    def test_runs_the_releases_own_image_and_never_another(self) -> None:
        found = service(build={"context": "."}, pull_policy="always")
        assert "build" not in found
        assert found["image"] == image_reference(SHOP, 7, "app") == "hitless:shop.r7.app"
        assert found["pull_policy"] == "never"

    def test_traefiks_labels_are_gone_and_ours_are_there(self) -> None:
        labels = {**web()["labels"], "Traefik.Enable": "true", "com.example.owner": "$$me"}
        assert service_labels(labels) == {
            "com.example.owner": "$$me",
            "traefik.enable": "false",
            "hitless.gateway": "gate",
            "hitless.application": SHOP,
            "hitless.colour": "green",
            "hitless.release": "7",
        }

    def test_a_label_of_ours_can_not_be_set_by_the_user(self) -> None:
        assert service_labels({**web()["labels"], "hitless.colour": "red"})["hitless.colour"] == "green"

    def test_the_rest_stays_as_it_is(self) -> None:
        rest = {
            "command": ["serve"],
            "environment": {"A": "$$b"},
            "deploy": {"replicas": 2},
            "volumes": [{"type": "volume", "source": "data", "target": "/data", "read_only": True}],
        }
        found = service(**rest)
        assert {key: found[key] for key in rest} == rest

    def test_profiles_and_extensions_are_gone(self) -> None:
        found = service(profiles=["web"], x_hitless={"successes": 1}, x_other=1)
        assert not {"profiles", "x-hitless", "x-other"} & set(found)

    @pytest.mark.parametrize("name", [NETWORK, "traefik_webgateway"])
    def test_the_gateways_network_is_left_out(self, name: str) -> None:
        networks = {"web": {"name": name, "external": True}, "back": {"name": "shop_back"}}
        found = colour_model(
            {"app": web(networks={"web": None, "back": {"aliases": ["a"]}})}, networks=networks
        )
        assert found["services"]["app"]["networks"] == {"back": {"aliases": ["a"]}}
        assert set(found["networks"]) == {"back"}

    def test_which_is_on_the_gateways_network_alone_gets_the_colours_default_one(self) -> None:
        networks = {"web": {"name": NETWORK, "external": True}}
        found = colour_model({"app": web(networks={"web": None})}, networks=networks)
        assert "networks" not in found["services"]["app"]


class TestModel:
    """The rest of the model in a colour."""

    def test_is_called_like_the_colour(self) -> None:
        assert colour_model(colour=Colour.BLUE)["name"] == colour_project(SHOP, Colour.BLUE) == "shop-blue"

    def test_every_service_of_the_release_is_there(self) -> None:
        services = {"app": web(), "worker": {"image": "shop:1"}, "db": {"image": "postgres"}}
        assert set(colour_model(services)["services"]) == {"app", "worker"}

    def test_a_service_waits_for_those_of_its_release_alone(self) -> None:
        waits = {"db": {"condition": "service_healthy"}, "worker": {"condition": "service_started"}}
        services = {"app": web(depends_on=waits), "worker": {"image": "shop:1"}, "db": {"image": "postgres"}}
        found = colour_model(services)["services"]["app"]
        assert found["depends_on"] == {"worker": {"condition": "service_started"}}

    def test_networks_that_hitless_creates_are_there_under_the_colours_name(self) -> None:
        networks = {
            "default": {"name": "shop_default"},
            "back": {"name": "back", "driver": "bridge", "ipam": {}},
            "fixed": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}},
            "unused": None,
            "others": {"name": "others", "external": True},
        }
        app = web(networks=dict.fromkeys(("default", "back", "fixed", "others")))
        assert colour_model({"app": app}, networks=networks)["networks"] == {
            "default": {"name": "shop-green_default", "external": True},
            "back": {"name": "shop-green_back", "external": True},
            "fixed": {"name": "shop-green_fixed", "external": True},
        }

    def test_a_network_with_a_driver_of_its_own_is_left_to_compose(self) -> None:
        networks = {"back": {"name": "back", "driver": "overlay", "labels": {"hitless.application": "x"}}}
        found = colour_model({"app": web(networks={"back": None})}, networks=networks)
        assert found["networks"] == {"back": {"driver": "overlay", **OURS}}

    @pytest.mark.parametrize("name", [NETWORK, "others"])
    def test_a_default_network_of_somebody_elses_is_a_colours_own(self, name: str) -> None:
        found = colour_model(networks={"default": {"name": name, "external": True}})
        assert found["networks"] == {"default": {"name": "shop-green_default", "external": True}}

    def test_a_service_has_no_name_on_a_network_of_others(self) -> None:
        networks = {"others": {"name": "others", "external": True}, "back": {}}
        on = {"others": {"aliases": ["api"]}, "back": {"aliases": ["b"]}}
        app = web(networks=on, hostname="api", container_name="the-one")
        found = colour_model({"app": app}, networks=networks)["services"]["app"]
        assert found["networks"] == {"back": {"aliases": ["b", "the-one", "api"]}}
        assert not {"hostname", "container_name"} & set(found)

    def test_links_to_shared_services_are_gone_and_those_within_the_release_stay(self) -> None:
        services = {
            "app": web(links=["db", "worker:jobs"]),
            "worker": {"image": "shop:1"},
            "db": {"image": "postgres"},
        }
        assert colour_model(services)["services"]["app"]["links"] == ["worker:jobs"]

    def test_an_own_network_called_like_the_gateways_is_not_the_gateways(self) -> None:
        networks = {"web": {"name": "traefik_webgateway"}}
        assert compose_networks.gateway_networks(compose(networks=networks), NETWORK) == set()

    def test_an_external_network_without_a_name_is_called_like_its_key(self) -> None:
        networks = {NETWORK: {"external": True}, "other": {"external": True}}
        assert compose_networks.gateway_networks(compose(networks=networks), NETWORK) == {NETWORK}

    def test_both_colours_share_the_volumes_under_the_applications_names(self) -> None:
        volumes = {
            "data": {"name": "shop_data", "driver_opts": {"a": "b"}},
            "bare": None,
            "others": {"name": "others", "external": True},
        }
        blue = colour_model(colour=Colour.BLUE, volumes=volumes)["volumes"]
        assert blue == colour_model(colour=Colour.GREEN, volumes=volumes)["volumes"]
        assert blue == {
            "data": {"name": "shop_data", "external": True},
            "bare": {"name": "shop_bare", "external": True},
            "others": {"name": "others", "external": True},
        }

    def test_which_volumes_the_application_creates_itself(self) -> None:
        volumes = {"data": {"name": "shop_data"}, "bare": None, "others": {"external": True}}
        assert compose_models.own_volumes(compose(volumes=volumes)) == {
            "data": {"name": "shop_data"},
            "bare": {},
        }

    @pytest.mark.parametrize("keys", [{}, {"networks": None, "volumes": None}])
    def test_without_networks_and_volumes(self, keys: dict[str, Any]) -> None:
        found = colour_model(**keys)
        assert set(found["networks"]) == {"default"}
        assert found["volumes"] == {}

    def test_secrets_and_configs_stay_and_extensions_go(self) -> None:
        found = colour_model(
            secrets={"s": {"file": "/x"}}, configs={"c": {"file": "/y"}}, x_hitless={}, x_other=1
        )
        assert set(found) == {"name", "services", "networks", "volumes", "secrets", "configs"}

    def test_the_users_model_is_left_as_it_was(self) -> None:
        networks = {"web": {"name": NETWORK, "external": True}}
        found = prepared({"app": web(networks={"web": None})}, networks=networks)
        compose_models.colour_model(found, release(7), Colour.BLUE, GATEWAY)
        assert found.model == compose({"app": web(networks={"web": None})}, networks=networks)


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ({}, {"default": {"aliases": ["the-one"]}}),
        ({"back": None}, {"back": {"aliases": ["the-one"]}}),
        ({"back": {"aliases": ["a"]}}, {"back": {"aliases": ["a", "the-one"]}}),
    ],
)
def test_a_container_name_becomes_a_host_name_within_the_colour(
    networks: dict[str, Any], expected: dict[str, Any]
) -> None:
    service = web(container_name="the-one", **({"networks": networks} if networks else {}))
    found = colour_model({"app": service}, networks=dict.fromkeys(networks))["services"]["app"]
    assert "container_name" not in found
    assert found["networks"] == expected


class TestBaseModel:
    """The model of the base project."""

    SERVICES: ClassVar[dict[str, Any]] = {
        "app": web(),
        "db": {"image": "postgres:16", "x-hitless": {"timeout": "9s"}, "labels": {"a": "b"}},
        "proxy": {
            "image": "nginx",
            "depends_on": {"app": {"condition": "service_started"}, "db": {"condition": "service_healthy"}},
        },
        "admin": {"image": "adminer", "depends_on": {"app": {"condition": "service_started"}}},
    }

    def test_shared_services_stand_in_it_as_in_the_file(self) -> None:
        found = compose_models.base_model(
            application(self.SERVICES, x_more=1, networks={"back": {"name": "b"}})
        )
        assert found == {
            "name": "shop",
            "services": {
                "db": {"image": "postgres:16", "labels": {"a": "b"}},
                "proxy": {"image": "nginx", "depends_on": {"db": {"condition": "service_healthy"}}},
                "admin": {"image": "adminer"},
            },
            "networks": {"back": {"name": "b"}},
            "volumes": {},
        }

    def test_hitless_starts_them_on_networks_that_it_has_created_and_not_on_the_gateways(self) -> None:
        networks = {"edge": {"name": NETWORK, "external": True}, "back": {"name": "b"}}
        db = {"image": "postgres:16", "networks": {"edge": {"aliases": ["shop-blue-app-1"]}, "back": None}}
        proxy = {"image": "nginx", "networks": {"edge": None}}
        shop = application({"app": web(), "db": db, "proxy": proxy}, networks=networks)
        found = compose_models.base_model(shop, GATEWAY)
        assert found["services"]["db"]["networks"] == {"back": None}
        assert found["services"]["proxy"]["networks"] == {"default": None}
        assert found["networks"] == {
            "back": {"name": "b", "external": True},
            "default": {"name": "shop_default", "external": True},
        }
        names = {network.name: network.labels for network in compose_networks.base_networks(shop, GATEWAY)}
        assert names["shop_default"] == {
            "com.docker.compose.project": "shop",
            "com.docker.compose.network": "default",
            "hitless.application": "shop",
        }

    def test_one_with_a_route_is_on_the_way_to_the_gateway_too(self) -> None:
        labels = {"traefik.http.routers.s3.rule": "Host(`s3.example`)"}
        minio = {"image": "minio/minio", "expose": ["9000"], "labels": labels}
        shop = application({"app": web(), "s3": minio, "db": {"image": "postgres:16"}})
        found = compose_models.base_model(shop, GATEWAY)
        assert found["services"]["s3"]["networks"] == {
            "default": None,
            "hitless-gateway": {"aliases": ["shop.s3.invalid"]},
        }
        assert "networks" not in found["services"]["db"]
        assert found["networks"]["hitless-gateway"] == {"name": f"{NETWORK}.shop", "external": True}
        # what plain Compose starts is as it is in the file
        assert "networks" not in compose_models.base_model(shop)["services"]["s3"]

    def test_volumes_are_there_before_it(self) -> None:
        found = compose_models.base_model(
            application(self.SERVICES, volumes={"data": None, "x": {"name": "own"}})
        )
        assert found["volumes"] == {
            "data": {"name": "shop_data", "external": True},
            "x": {"name": "own", "external": True},
        }

    def test_the_network_of_a_later_promotion_sorts_first(self) -> None:
        shop = application(self.SERVICES)
        made = (
            live_network.live_network(shop, Colour.BLUE, number, GATEWAY) for number in (1, 2, 9, 10, 100)
        )
        networks = [network.name for network in made]
        assert networks[:2] == ["shop_live-99999998", "shop_live-99999997"]
        assert networks == sorted(networks, reverse=True)

    def test_what_shared_services_call_is_found_by_the_names_that_it_has(self) -> None:
        networks = {"default": None, "back": {"aliases": ["api", "app"]}}
        app = {**self.SERVICES["app"], "networks": networks, "deploy": {"replicas": 2}}
        shop = application({**self.SERVICES, "app": app}, networks={"back": {}})
        assert live_network.live_names(shop) == {"app": ("app", "api")}
        # two containers of it, and the two that call it
        assert live_network.live_network(shop, Colour.BLUE, 1, GATEWAY).containers == 4

    def test_where_nobody_calls_nothing_needs_a_name(self) -> None:
        shop = application({"app": web(), "db": {"image": "postgres"}})
        assert live_network.live_names(shop) == {}


class TestConnections:
    """Where a release meets the shared services."""

    @staticmethod
    def of(services: dict[str, Any], **keys: Any) -> dict[str, list[str]]:
        found = application(services, **keys)
        return connecting.beyond_its_own(found, GATEWAY, {name: name for name in services if name != "db"})

    def test_on_the_default_network(self) -> None:
        found = self.of({"app": web(), "db": {"image": "postgres"}})
        assert found == {"shop_default": ["app"]}

    def test_on_the_networks_that_both_are_on(self) -> None:
        services = {
            "app": web(networks={"front": None, "back": None}),
            "worker": {"image": "shop:1", "networks": {"back": None}},
            "lonely": {"image": "shop:1", "networks": {"front": None}},
            "apart": {"image": "shop:1", "network_mode": "none"},
            "db": {"image": "postgres", "networks": {"back": None}},
        }
        found = self.of(services, networks={"front": {"name": "shop_front"}, "back": {"name": "deep"}})
        assert found == {"deep": ["app", "worker"]}

    def test_on_a_network_of_others(self) -> None:
        services = {
            "app": web(networks={"back": None}),
            "db": {"image": "postgres", "networks": {"back": None}},
        }
        assert self.of(services, networks={"back": {"name": "b", "external": True}}) == {"b": ["app"]}

    def test_without_a_shared_service_there_is_none(self) -> None:
        assert self.of({"app": web(), "worker": {"image": "shop:1"}}) == {}
