"""What the finsy scripts have in common."""

import dataclasses
from pathlib import Path

import finsy as fy

from link import options


def connected(program=False):
    """The switch of the options, as a context; with the program if it shall be set, replacing any that is."""
    tls = options.get("tls")
    more = {"p4info": Path(options["p4info"]), "p4blob": Path(options["program"]), "p4force": True} if program else {}
    credentials = None
    if tls:
        credentials = fy.GRPCCredentialsTLS(cacert=Path(tls["ca"]), cert=path(tls, "certificate"), private_key=path(tls, "key"))
    return fy.Switch("switch", options["address"], fy.SwitchOptions(device_id=options["deviceId"], initial_election_id=options.get("electionId", 10), channel_credentials=credentials, fail_fast=True, **more))


def path(tls, name):
    return Path(tls[name]) if name in tls else None


def shown(value):
    """As finsy prints it, without the fields that have their defaults."""
    if isinstance(value, fy.P4TableMatch) or not dataclasses.is_dataclass(value):
        return repr(value)
    fields = [field for field in dataclasses.fields(value) if getattr(value, field.name) != field.default]
    return f"{type(value).__name__}({', '.join(f'{field.name}={shown(getattr(value, field.name))}' for field in fields)})"


async def read(switch, *entities):
    """All that are read, sorted: none has an order."""
    return sorted([shown(entity) async for entity in switch.read(list(entities))])


async def first(switch, entity):
    """The first that is read."""
    async for each in switch.read(entity):
        return each


async def failure(awaitable, value=False):
    """What finsy says about an error; without one None, or what came when that is asked for."""
    try:
        result = await awaitable
    except fy.P4ClientError as error:
        if not error.details:
            return f"{error.code.name}: {error.message}"
        return {str(index): f"{each.canonical_code.name}: {each.message}" for index, each in error.details.items()}
    return result if value else None
