// Values that others published, or that were computed before there was any code here, by the names
// of the vectors that must have them.

export const PUBLISHED = {
  'type CodeScope': {
    digest: '0x380fe0758b33d108ef04301398b9651e1dc7324ef383dbcac7664d5a22f43c3b',
  },
  'type SafeTx': {
    digest: '0xbb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8',
  },
  'research: CodeScope': {
    digest: '0xe0caf1167b75be2be6df3eac687d4a2f1238ace19a2731156bb4b9652335145d',
  },
  'research: scopeRoot': {
    digest: '0xa490a706c665d1d460481d9e18b10fcf2cbf70449d27819de433e614880a0a92',
  },
  'type EAS Attest, delegated': {
    digest: '0xfeb2925a02bae3dae48d424a0437a2b6ac939aa9230ddc55a1a76f065d988076',
  },
  'type EAS Revoke, delegated': {
    digest: '0xb5d556f07587ec0f08cf386545cc4362c702a001650c2058002615ee5c9d1e75',
  },
  'type EAS Attest, off-chain': {
    digest: '0x258b757fc37a6699a984f4be01258122f834200374b34b4457b6db0dd0f71132',
  },
  'type AuditSummary': {
    digest: '0x1da42c62d10c9480eacec05e2d8a3046db1fe082e7c1a2a4b04cca4877f00371',
  },
  'research: EAS schema': {
    digest: '0x7ab03f30ce9d0ba01a4c2c8a7e87797b4ca2675f83082ddc58f4ec645ff09dff',
  },
  'research: EAS UID': {
    digest: '0x33b7946626459269b5bd13c27e6a5b5350a709dbeb809c6f4794a71878392395',
  },
  'research: AuditSummary': {
    domainHash: '0x8dfc2cb325565d10b5ff93bb068d094d5d5fcacf67c131c108b8c9411d7ce4c6',
    digest: '0xfb4356121f78f3c09f08d4379fcbbf0a7abeb837e0d94bcc7f6284cc342a0bbd',
  },
  'research: AuditSummary, corrected': {
    domainHash: '0xdf01b531e454ec2713dabc00262999884d607e2ad6f7d59029760ca815bf193b',
  },
  'DSSE: hello world': {
    pae: 'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  },
  // RFC 8785, sections 3.2.2 and 3.2.3.
  'RFC 8785: values': {
    canonical:
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  },
  'RFC 8785: order of keys': {
    canonical:
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O ' +
      'With Diaeresis","\u20ac":"Euro Sign","\ud83d\ude00":"Emoji: Grinning Face",' +
      '"\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  },
  // Safe transactions that were executed on public chains, and a batch computed by the contracts.
  'Safe: add an owner': {
    domainHash: '0x1cf7f9b1efe3bc47fe02fd27c649fea19e79d66040683a1c86c7490c80bf7291',
    structHash: '0xd9109ea63c50ecd3b80b6b27ed5c5a9fd3d546c2169dfb69bfa7ba24cd14c7a5',
    digest: '0x0cb7250b8becd7069223c54e2839feaed4cee156363fbfe5dd0a48e75c4e25b3',
  },
  'Safe: send ether': {
    domainHash: '0x611379c19940caee095cdb12bebe6a9fa9abb74cdb1fbd7377c49a1f198dc24f',
    structHash: '0x565bba8b51924ffa64953596d0a2dd5c2cad39649f7de0bf2c8dbc903bd03258',
    digest: '0xcb8bbe7bf8f8a1f3f57658e450d07d4422356ac042d96a87ba425b19e67a78a1',
  },
  'Safe: approve the hash of another Safe': {
    domainHash: '0x55f6c329a7834e2a4e789f5526f328fa75d14fe75b97b0001be40caf46ca92a1',
    structHash: '0xcd411ee5d49344391ef8d37b76e19dfacf505bbb20e856ac907acb5958ecbdf0',
    digest: '0x86eb3f93f2670d119a4ecb8eeaa4dafe31a28abcafe06688d47e195a3dd7abb0',
  },
  'Safe: batch of two': {
    structHash: '0x3a43109f2d98f985a67520b1e045fcaa7f6462008d0e2ef3733069c860b18d1d',
    digest: '0x14ab55c8f1d30b69d14361f4d40697de36bf44ab41dfc0cf2570aab2dc3d8d9b',
  },
  // ERC-8213's own example.
  'ERC-8213 digest of a transfer': {
    digest: '0x812cee5d9cc7461c04bbcd7b70af9c28b243ac5d74d3453b008b93b7dac69985',
  },
  'create2: deterministic deployment proxy': {
    address: '0x452bdcde592061bd15774c8eed254ac26d0b5e54',
    initcodeHash: '0xfb9fb2e46931e8f1035a5e589b31d7d69ea44e15806b1c71dfee37cebbbf6b16',
  },
};
