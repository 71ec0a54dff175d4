"""Whose word a token of role `system` is: the platform's own, or that of the organisation it names.

The pipeline's tokens name no organisation (`suda`, `suda-import`). Every organisation's code has digits in it (GB 32100
holds the division), so what has one names an organisation, also where it is misspelt or in no directory: that system
stands where the organisation stands, or nowhere (docs/decisions/0086-whose-system.md).
"""


def is_platform(role: str, organisation: str) -> bool:
    """Whether this is the pipeline itself, or the province-wide platform it runs."""
    return role == "system" and bool(organisation) and not any(letter.isdigit() for letter in organisation)
