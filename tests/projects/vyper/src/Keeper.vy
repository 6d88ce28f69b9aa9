# pragma version ^0.4.1
keeper: public(address)
founder: immutable(address)


@deploy
def __init__(first: address):
    founder = first
    self.keeper = first


@internal
def hand_over(to: address):
    assert msg.sender in [self.keeper, founder], "not the keeper"
    self.keeper = to
