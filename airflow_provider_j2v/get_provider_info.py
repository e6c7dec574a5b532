"""What Airflow discovers about this package. Forms are data: no hook is imported to show them."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, in the shape of Airflow's ``provider_info`` schema."""
    return {
        "package-name": "airflow-provider-j2v",
        "name": "JSON2Video",
        "description": "Videos from data: renders JSON2Video movies, one task, one movie, one charge.",
        "integrations": [
            {
                "integration-name": "JSON2Video",
                "external-doc-url": "https://json2video.com/docs/v2/",
                "tags": ["service"],
            }
        ],
        "connection-types": [_ACCOUNT, _CONNECTION],
        "hooks": [{"integration-name": "JSON2Video", "python-modules": ["airflow_provider_j2v.hooks.json2video"]}],
        "operators": [
            {
                "integration-name": "JSON2Video",
                "python-modules": [
                    "airflow_provider_j2v.operators.movie",
                    "airflow_provider_j2v.operators.download",
                    "airflow_provider_j2v.operators.catalog",
                    "airflow_provider_j2v.operators.media",
                    "airflow_provider_j2v.operators.template",
                ],
            }
        ],
        "sensors": [{"integration-name": "JSON2Video", "python-modules": ["airflow_provider_j2v.sensors.movie"]}],
        "triggers": [{"integration-name": "JSON2Video", "python-modules": ["airflow_provider_j2v.triggers.movie"]}],
        "task-decorators": [
            {
                "name": "json2video_render",
                "class-name": "airflow_provider_j2v.decorators.movie.json2video_render_task",
            }
        ],
        "extra-links": [
            "airflow_provider_j2v.links.movie.JSON2VideoMovieLink",
            "airflow_provider_j2v.links.movie.JSON2VideoDashboardLink",
        ],
    }


def _field(label: str, description: str, kind: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


_ACCOUNT: dict[str, Any] = {
    "connection-type": "json2video",
    "hook-name": "JSON2Video",
    "hook-class-name": "airflow_provider_j2v.hooks.json2video.JSON2VideoHook",
    "ui-field-behaviour": {
        "hidden-fields": ["login", "schema"],
        "relabeling": {"password": "Password (API key)", "host": "Host (empty: the public service)"},
        "placeholders": {
            "host": "https://api.json2video.com",
            "password": "from json2video.com/dashboard/apikeys",
            "port": "443 (Airflow 3.3's test button refuses connections without a port)",
        },
    },
    "conn-fields": {
        "connections": _field(
            "Provider map",
            "Which Connection each AI provider uses by default, as JSON: provider → Airflow conn id of type "
            'json2video_connection, e.g. {"elevenlabs": "elevenlabs_prod"}',
            "object",
        ),
        "namespace": _field(
            "Namespace", "Tells Airflow installations apart that share this account, e.g. prod-eu", "string"
        ),
        "catalog_url": _field("Catalog URL", "Where the list of AI models is read; empty: the public one", "string"),
        "read_timeout": _field("Read timeout (s)", "How long a read may take (default 30)", "number"),
        "submit_timeout": _field(
            "Submit timeout (s)",
            "How long a submission may take in all (default 45); a later answer is looked for in the service's list",
            "number",
        ),
        "adopt_wait": _field(
            "Adopt wait (s)", "How long a new render may take to show in the service's list (default 60)", "number"
        ),
        "proxy": _field("Proxy", "Address of an HTTP proxy; empty: the environment's", "string"),
        "allow_http": _field("Allow plain http", "For private addresses only, e.g. a sandbox in Docker", "boolean"),
    },
}

_CONNECTION: dict[str, Any] = {
    "connection-type": "json2video_connection",
    "hook-name": "JSON2Video Connection",
    "hook-class-name": "airflow_provider_j2v.hooks.json2video.JSON2VideoConnectionHook",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "schema", "port", "password"],
        "relabeling": {"login": "Login (Connection id)"},
        "placeholders": {"login": "the id chosen in json2video.com/dashboard/connections, e.g. my-elevenlabs"},
    },
    "conn-fields": {
        "provider": _field("Provider", "Whose credentials these are, e.g. elevenlabs", "string"),
        "managed": _field(
            "Managed service", "Use JSON2Video's own here, paid in credits; leave Login empty then", "boolean"
        ),
    },
}
