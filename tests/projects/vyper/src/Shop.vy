# pragma version ^0.4.1
from . import ITill

till: public(immutable(ITill))


@deploy
def __init__(at: ITill):
    till = at


@view
@external
def price() -> uint256:
    return 2 * staticcall till.fee()
