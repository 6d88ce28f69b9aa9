//! Errors of contracts that are no artifact.

use crate::project::Project;

const CHILD: &str = r#"pragma solidity ^0.8.20;
type Cap is uint128;
enum State { Open, Shut }
struct Terms { address who; uint256[] caps; }
error OutOfRange(Cap cap, State state, Terms terms);
library Ranges {
    function check(Cap cap) internal pure {
        Terms memory terms = Terms(address(1), new uint256[](1));
        if (Cap.unwrap(cap) > 9) revert OutOfRange(cap, State.Shut, terms);
    }
}
contract Child {
    error Closed(uint256 at);
    constructor(Cap cap) {
        Ranges.check(cap);
        if (Cap.unwrap(cap) == 3) revert Closed(block.number);
    }
}
"#;

/// A factory's child reverts with what the factory's own ABI does not have.
#[test]
fn errors_of_what_a_factory_creates_are_known() {
    let factory = "pragma solidity ^0.8.20;\nimport {Child, Cap} from \"./Child.sol\";\n
        interface IOther { error Elsewhere(address who); }
        contract Factory { function make(Cap cap) external { new Child(cap); } }";
    let project = Project::new(&[("src/Child.sol", CHILD), ("src/Factory.sol", factory)]);
    // The second time the answer is kept.
    for _ in 0..2 {
        let output = project.compile(&["Factory"]);
        assert_eq!(output.artifacts.len(), 1);
        let artifact = output.artifacts.values().next().unwrap();
        assert_eq!(artifact.abi.errors().count(), 0);
        let errors: Vec<String> = output.errors.errors().map(|error| error.signature()).collect();
        let expected = [
            "Closed(uint256)",
            "Elsewhere(address)",
            "OutOfRange(uint128,uint8,(address,uint256[]))",
        ];
        assert_eq!(errors, expected);
    }
}
