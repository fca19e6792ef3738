"""The dynamic configuration that Traefik 3.7 takes, as far as container labels can reach it.

Shape: a nested mapping from canonical field name to a `Kind`, to another mapping (a struct), or to a
one-element tuple (a list of structs). Source: the types in Traefik's own code, release 3.7, which
`dev/traefik-labels` lists for a test. The file provider must know which texts are lists, and one field that
it does not know stops every later reload of the whole routing directory. So hitless checks every label
against this table before it delivers anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeAlias


class Kind(Enum):
    """How to read the text of a label."""

    TEXT = auto()
    NUMBER = auto()
    PORT = auto()
    FLAG = auto()
    DURATION = auto()
    LIST = auto()
    NAMED = auto()  # any key below, each with a text
    NUMBERS = auto()  # any key below, each with a number


Schema: TypeAlias = "Kind | Mapping[str, Schema] | tuple[Mapping[str, Schema]]"


Struct: TypeAlias = "Mapping[str, Schema]"


_IP_STRATEGY: Struct = {
    "depth": Kind.NUMBER,
    "excludedIPs": Kind.LIST,
    "ipv6Subnet": Kind.NUMBER,
}


_SOURCE: Struct = {
    "ipStrategy": _IP_STRATEGY,
    "requestHeaderName": Kind.TEXT,
    "requestHost": Kind.FLAG,
}


_CLIENT_TLS: Struct = {
    "ca": Kind.TEXT,
    "cert": Kind.TEXT,
    "key": Kind.TEXT,
    "insecureSkipVerify": Kind.FLAG,
}


_REDIS: Struct = {
    "endpoints": Kind.LIST,
    "tls": _CLIENT_TLS,
    "username": Kind.TEXT,
    "password": Kind.TEXT,
    "db": Kind.NUMBER,
    "poolSize": Kind.NUMBER,
    "minIdleConns": Kind.NUMBER,
    "maxActiveConns": Kind.NUMBER,
    "readTimeout": Kind.DURATION,
    "writeTimeout": Kind.DURATION,
    "dialTimeout": Kind.DURATION,
}


_CREDENTIALS: Struct = {
    "users": Kind.LIST,
    "usersFile": Kind.TEXT,
    "realm": Kind.TEXT,
    "removeHeader": Kind.FLAG,
    "headerField": Kind.TEXT,
}


_NAME_PARTS: Struct = {
    "country": Kind.FLAG,
    "province": Kind.FLAG,
    "locality": Kind.FLAG,
    "organization": Kind.FLAG,
    "commonName": Kind.FLAG,
    "serialNumber": Kind.FLAG,
    "domainComponent": Kind.FLAG,
}


_REGEX: Struct = {"regex": Kind.TEXT, "replacement": Kind.TEXT}


MIDDLEWARES: Struct = {
    "addPrefix": {"prefix": Kind.TEXT},
    "basicAuth": _CREDENTIALS,
    "buffering": {
        "maxRequestBodyBytes": Kind.NUMBER,
        "memRequestBodyBytes": Kind.NUMBER,
        "maxResponseBodyBytes": Kind.NUMBER,
        "memResponseBodyBytes": Kind.NUMBER,
        "retryExpression": Kind.TEXT,
    },
    "chain": {"middlewares": Kind.LIST},
    "circuitBreaker": {
        "expression": Kind.TEXT,
        "checkPeriod": Kind.DURATION,
        "fallbackDuration": Kind.DURATION,
        "recoveryDuration": Kind.DURATION,
        "responseCode": Kind.NUMBER,
    },
    "compress": {
        "excludedContentTypes": Kind.LIST,
        "includedContentTypes": Kind.LIST,
        "minResponseBodyBytes": Kind.NUMBER,
        "encodings": Kind.LIST,
        "defaultEncoding": Kind.TEXT,
    },
    "contentType": {"autoDetect": Kind.FLAG},
    "digestAuth": _CREDENTIALS,
    "encodedCharacters": {
        "allowEncodedSlash": Kind.FLAG,
        "allowEncodedBackSlash": Kind.FLAG,
        "allowEncodedNullCharacter": Kind.FLAG,
        "allowEncodedSemicolon": Kind.FLAG,
        "allowEncodedPercent": Kind.FLAG,
        "allowEncodedQuestionMark": Kind.FLAG,
        "allowEncodedHash": Kind.FLAG,
    },
    "errors": {
        "status": Kind.LIST,
        "statusRewrites": Kind.NUMBERS,
        "service": Kind.TEXT,
        "query": Kind.TEXT,
        "errorRequestHeaders": Kind.LIST,
    },
    "forwardAuth": {
        "address": Kind.TEXT,
        "tls": {**_CLIENT_TLS, "caOptional": Kind.FLAG},
        "trustForwardHeader": Kind.FLAG,
        "authResponseHeaders": Kind.LIST,
        "authResponseHeadersRegex": Kind.TEXT,
        "authRequestHeaders": Kind.LIST,
        "addAuthCookiesToResponse": Kind.LIST,
        "headerField": Kind.TEXT,
        "forwardBody": Kind.FLAG,
        "maxBodySize": Kind.NUMBER,
        "maxResponseBodySize": Kind.NUMBER,
        "authSigninURL": Kind.TEXT,
        "preserveLocationHeader": Kind.FLAG,
        "preserveRequestMethod": Kind.FLAG,
    },
    "grpcWeb": {"allowOrigins": Kind.LIST},
    "headers": {
        "customRequestHeaders": Kind.NAMED,
        "customResponseHeaders": Kind.NAMED,
        "accessControlAllowCredentials": Kind.FLAG,
        "accessControlAllowHeaders": Kind.LIST,
        "accessControlAllowMethods": Kind.LIST,
        "accessControlAllowOriginList": Kind.LIST,
        "accessControlAllowOriginListRegex": Kind.LIST,
        "accessControlExposeHeaders": Kind.LIST,
        "accessControlMaxAge": Kind.NUMBER,
        "addVaryHeader": Kind.FLAG,
        "allowedHosts": Kind.LIST,
        "hostsProxyHeaders": Kind.LIST,
        "sslProxyHeaders": Kind.NAMED,
        "stsSeconds": Kind.NUMBER,
        "stsIncludeSubdomains": Kind.FLAG,
        "stsPreload": Kind.FLAG,
        "forceSTSHeader": Kind.FLAG,
        "frameDeny": Kind.FLAG,
        "customFrameOptionsValue": Kind.TEXT,
        "contentTypeNosniff": Kind.FLAG,
        "browserXssFilter": Kind.FLAG,
        "customBrowserXSSValue": Kind.TEXT,
        "contentSecurityPolicy": Kind.TEXT,
        "contentSecurityPolicyReportOnly": Kind.TEXT,
        "publicKey": Kind.TEXT,
        "referrerPolicy": Kind.TEXT,
        "permissionsPolicy": Kind.TEXT,
        "isDevelopment": Kind.FLAG,
        "featurePolicy": Kind.TEXT,
        "sslRedirect": Kind.FLAG,
        "sslTemporaryRedirect": Kind.FLAG,
        "sslHost": Kind.TEXT,
        "sslForceHost": Kind.FLAG,
    },
    "ipAllowList": {
        "sourceRange": Kind.LIST,
        "ipStrategy": _IP_STRATEGY,
        "rejectStatusCode": Kind.NUMBER,
    },
    "ipWhiteList": {"sourceRange": Kind.LIST, "ipStrategy": _IP_STRATEGY},
    "inFlightReq": {"amount": Kind.NUMBER, "sourceCriterion": _SOURCE},
    "passTLSClientCert": {
        "pem": Kind.FLAG,
        "info": {
            "notAfter": Kind.FLAG,
            "notBefore": Kind.FLAG,
            "sans": Kind.FLAG,
            "serialNumber": Kind.FLAG,
            "subject": {**_NAME_PARTS, "organizationalUnit": Kind.FLAG},
            "issuer": _NAME_PARTS,
        },
    },
    "rateLimit": {
        "average": Kind.NUMBER,
        "period": Kind.DURATION,
        "burst": Kind.NUMBER,
        "sourceCriterion": _SOURCE,
        "redis": _REDIS,
    },
    "redirectRegex": {**_REGEX, "permanent": Kind.FLAG},
    "redirectScheme": {"scheme": Kind.TEXT, "port": Kind.TEXT, "permanent": Kind.FLAG},
    "replacePath": {"path": Kind.TEXT},
    "replacePathRegex": _REGEX,
    "retry": {
        "attempts": Kind.NUMBER,
        "initialInterval": Kind.DURATION,
        "timeout": Kind.DURATION,
        "status": Kind.LIST,
        "maxRequestBodyBytes": Kind.NUMBER,
        "disableRetryOnNetworkError": Kind.FLAG,
        "retryNonIdempotentMethod": Kind.FLAG,
    },
    "stripPrefix": {"prefixes": Kind.LIST, "forceSlash": Kind.FLAG},
    "stripPrefixRegex": {"regex": Kind.LIST},
}


_TLS: Struct = {
    "options": Kind.TEXT,
    "certResolver": Kind.TEXT,
    "domains": ({"main": Kind.TEXT, "sans": Kind.LIST},),
}


ROUTER: Struct = {
    "entryPoints": Kind.LIST,
    "middlewares": Kind.LIST,
    "service": Kind.TEXT,
    "rule": Kind.TEXT,
    "ruleSyntax": Kind.TEXT,
    "priority": Kind.NUMBER,
    "tls": _TLS,
    "observability": {
        "accessLogs": Kind.FLAG,
        "metrics": Kind.FLAG,
        "tracing": Kind.FLAG,
        "traceVerbosity": Kind.TEXT,
    },
}


TCP_ROUTER: Struct = {
    "entryPoints": Kind.LIST,
    "middlewares": Kind.LIST,
    "service": Kind.TEXT,
    "rule": Kind.TEXT,
    "ruleSyntax": Kind.TEXT,
    "priority": Kind.NUMBER,
    "tls": {**_TLS, "passthrough": Kind.FLAG},
}


TCP_LOAD_BALANCER: Struct = {
    "server": {"port": Kind.PORT},
    "proxyProtocol": {"version": Kind.NUMBER},
    "healthCheck": {
        "port": Kind.PORT,
        "send": Kind.TEXT,
        "expect": Kind.TEXT,
        "interval": Kind.DURATION,
        "unhealthyInterval": Kind.DURATION,
        "timeout": Kind.DURATION,
    },
}


TCP_MIDDLEWARES: Struct = {
    "inFlightConn": {"amount": Kind.NUMBER},
    "ipAllowList": {"sourceRange": Kind.LIST},
    "ipWhiteList": {"sourceRange": Kind.LIST},
}


UDP_ROUTER: Struct = {"entryPoints": Kind.LIST, "service": Kind.TEXT}


UDP_LOAD_BALANCER: Struct = {"server": {"port": Kind.PORT}}


LOAD_BALANCER: Struct = {
    "server": {
        "port": Kind.PORT,
        "scheme": Kind.TEXT,
        "weight": Kind.NUMBER,
        "preservePath": Kind.FLAG,
    },
    "sticky": {
        "cookie": {
            "name": Kind.TEXT,
            "secure": Kind.FLAG,
            "httpOnly": Kind.FLAG,
            "sameSite": Kind.TEXT,
            "maxAge": Kind.NUMBER,
            "path": Kind.TEXT,
            "domain": Kind.TEXT,
        },
    },
    "strategy": Kind.TEXT,
    "healthCheck": {
        "scheme": Kind.TEXT,
        "mode": Kind.TEXT,
        "path": Kind.TEXT,
        "method": Kind.TEXT,
        "status": Kind.NUMBER,
        "port": Kind.PORT,
        "interval": Kind.DURATION,
        "unhealthyInterval": Kind.DURATION,
        "timeout": Kind.DURATION,
        "hostname": Kind.TEXT,
        "followRedirects": Kind.FLAG,
        "headers": Kind.NAMED,
    },
    "passiveHealthCheck": {"failureWindow": Kind.DURATION, "maxFailedAttempts": Kind.NUMBER},
    "passHostHeader": Kind.FLAG,
    "serversTransport": Kind.TEXT,
    "responseForwarding": {"flushInterval": Kind.DURATION},
}
