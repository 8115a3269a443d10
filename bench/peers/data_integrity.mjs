// W3C credentials with Data Integrity proofs (eddsa-rdfc-2022): issued by @digitalbazaar/vc, verified by it and by
// DCC's verifier-core. Contexts come with the packages; nothing is fetched.
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as vc from '@digitalbazaar/vc';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {securityLoader} from '@digitalcredentials/security-document-loader';
import {verifyCredential} from '@digitalcredentials/verifier-core';

import {require, tell} from './rates.mjs';

const key = await Ed25519Multikey.generate();
const did = `did:key:${key.publicKeyMultibase}`;
key.controller = did;
key.id = `${did}#${key.publicKeyMultibase}`;
const documentLoader = securityLoader().build();

function unsigned() {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2', {'@vocab': 'urn:kezheng:bench:'}],
    id: `urn:uuid:${crypto.randomUUID()}`,
    type: ['VerifiableCredential'],
    issuer: did,
    validFrom: '2026-01-01T00:00:00Z',
    // As much as one of our certificates says.
    credentialSubject: {
      id: 'urn:uuid:00000000-0000-4000-8000-000000000001',
      number: 'P00011500000126200001M', holder: '张小明', idTail: '0013', occupation: '2-02-38-05',
      direction: '1', grade: 'intermediate', assessedOn: '2026-05-18', statusIndex: '17',
    },
  };
}

function issue() {
  const suite = new DataIntegrityProof({signer: key.signer(), cryptosuite});
  return vc.issue({credential: unsigned(), suite, documentLoader});
}

const signed = await issue();

await tell('@digitalbazaar/vc', 'issue', issue);
await tell('@digitalbazaar/vc', 'verify', async () => {
  const suite = new DataIntegrityProof({cryptosuite});
  const {verified} = await vc.verifyCredential({credential: structuredClone(signed), suite, documentLoader});
  require(verified, 'a sample credential was not verified');
});
await tell('@digitalcredentials/verifier-core', 'verify', async () => {
  const {log} = await verifyCredential({credential: structuredClone(signed), knownDIDRegistries: []});
  const checked = log?.find(({id}) => id === 'valid_signature');
  require(checked?.valid, 'a sample credential was not verified');
});
