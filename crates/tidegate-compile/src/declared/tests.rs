//! What sources declare.

use super::*;
use crate::testing::project;

#[test]
fn only_what_can_be_created_is_named() {
    let root = project(&[
        (
            "src/Vault.sol",
            "interface IVault {} abstract contract Base { constructor(uint x) {} }\n\
             /* contract Ghost {} */ library L {} contract $x{}\n\
             contract\nVault is Base { constructor(\n  IVault  a, bytes memory b\n) \
             Base(1) {} }",
        ),
        ("src/a/Twice.sol", "contract Twice {}"),
        ("src/b/Twice.sol", "interface Twice {}"),
        ("src/mocks/Token.sol", "contract Token {}"),
        ("src/test/In.sol", "contract In is Twice, lib.$x {}"),
        ("src/Part.sol", "contract Shared {} contract Whole is Part.Shared(1) {}"),
        ("src/Vault.t.sol", "contract VaultTest {}"),
        ("src/Go.s.sol", "contract Go {}"),
        ("src/Broken.sol", "contract Broken {"),
        (
            "src/Coin.vy",
            "import Part\n@deploy\ndef __init__(\n    owner: address,  # who\n\
             cap: HashMap[uint8, String[5]],\n) :\n    pass\n@external\ndef f(): pass\n",
        ),
        ("src/Bare.vy", "x: public(uint256)\n"),
        ("src/Part.vy", "@internal\ndef f(): pass # @external\n"),
        ("src/mocks/Fake.vy", "@external\ndef f(): pass\n"),
        ("test/Only.sol", "contract Only {}"),
    ]);
    let found = deployable_contracts(root.path(), &FoundryConfig::empty()).unwrap();
    let shown: Vec<_> =
        found.contracts.iter().map(|c| (c.written.as_str(), c.constructor.join(", "))).collect();
    let expected = [
        ("$x", String::new()),
        ("Bare", String::new()),
        ("Coin", "owner: address, cap: HashMap[uint8, String[5]]".to_owned()),
        ("src/a/Twice.sol:Twice", String::new()),
        ("Vault", "IVault a, bytes memory b".to_owned()),
        ("Whole", String::new()),
    ];
    assert_eq!(shown, expected);
    assert_eq!(found.unread, ["src/Broken.sol"]);
    assert!(found.contracts.iter().all(|contract| contract.behind.is_none()));
    let foundry = FoundryConfig { src: "gone".to_owned(), ..FoundryConfig::empty() };
    assert!(deployable_contracts(root.path(), &foundry).unwrap().contracts.is_empty());
}

/// What is made for a proxy, and what is not.
const PROXIED: [(&str, &str); 9] = [
    (
        "lib/oz/UUPSUpgradeable.sol",
        "import \"./Initializable.sol\";\n\
         abstract contract UUPSUpgradeable is Initializable {\n\
         function proxiableUUID() external view virtual returns (bytes32) {}\n\
         function upgradeToAndCall(address a, bytes memory b) public payable virtual {} }",
    ),
    (
        "lib/oz/Initializable.sol",
        "abstract contract Initializable { modifier initializer() { _; } }",
    ),
    (
        "src/Base.sol",
        "import \"../lib/oz/UUPSUpgradeable.sol\";\n\
         abstract contract Base is UUPSUpgradeable {\n\
         function initialize(address owner) public virtual initializer {}\n\
         function __Base_init() internal initializer {} }",
    ),
    (
        "src/Vault.sol",
        "import \"./Base.sol\";\n\
         contract Vault is Base { constructor() initializer {}\n\
         function initialize(address who) public override initializer {} }",
    ),
    (
        "src/Two.sol",
        "import \"./Base.sol\";\n\
         contract Two is Base { function setUp(uint256\n cap) external initializer {} }",
    ),
    // It names the base and nothing more is there.
    (
        "src/Gone.sol",
        "import \"gone/UUPSUpgradeable.sol\";\n\
         contract Gone is UUPSUpgradeable { function init() external {} }",
    ),
    (
        "src/Clone.sol",
        "import \"../lib/oz/Initializable.sol\";\n\
         contract Clone is Initializable { function start() external initializer {} }",
    ),
    // A pool that is initialised and stands behind nothing; a proxy of one's own.
    ("src/Pool.sol", "contract Pool { function initialize(uint160 price) external {} }"),
    (
        "src/Own.sol",
        "interface I { function proxiableUUID() external view returns (bytes32); }\n\
         contract Own is I2 {\n\
         function upgradeToAndCall(address, bytes calldata) external {} }\n\
         interface I2 is I {}",
    ),
];

#[test]
fn what_is_made_for_a_proxy_is_told_from_what_is_not() {
    let root = project(&PROXIED);
    let found = deployable_contracts(root.path(), &FoundryConfig::empty()).unwrap();
    let shown = |behind: &Behind| {
        let initializers: Vec<_> = behind
            .initializers
            .iter()
            .map(|one| format!("{}({})", one.name, one.parameters.join(", ")))
            .collect();
        (behind.uups, initializers.join("; "))
    };
    let shown: Vec<_> =
        found.contracts.iter().map(|c| (&*c.name, c.behind.as_ref().map(shown))).collect();
    let expected = [
        ("Clone", Some((false, "start()".to_owned()))),
        ("Gone", Some((true, "init()".to_owned()))),
        ("Own", None),
        ("Pool", None),
        ("Two", Some((true, "setUp(uint256 cap); initialize(address owner)".to_owned()))),
        ("Vault", Some((true, "initialize(address who)".to_owned()))),
    ];
    assert_eq!(shown, expected);
}
