// W3C credentials as JWT with Ed25519 keys: did-jwt-vc.
import {generateKeyPairSync} from 'node:crypto';

import {createVerifiableCredentialJwt, verifyCredential} from 'did-jwt-vc';
import {EdDSASigner} from 'did-jwt';

import {require, tell} from './rates.mjs';

const {privateKey} = generateKeyPairSync('ed25519');
const {d: secret, x} = privateKey.export({format: 'jwk'});
const did = 'did:example:institution';
const issuer = {did, signer: EdDSASigner(Buffer.from(secret, 'base64url')), alg: 'EdDSA'};
const verificationMethod = [{
  id: `${did}#1`, type: 'JsonWebKey2020', controller: did, publicKeyJwk: {kty: 'OKP', crv: 'Ed25519', x},
}];
const resolver = {
  resolve: async () => ({
    didResolutionMetadata: {}, didDocumentMetadata: {},
    didDocument: {id: did, verificationMethod, assertionMethod: [`${did}#1`], authentication: [`${did}#1`]},
  }),
};
const payload = {
  sub: 'did:example:person',
  nbf: 1767225600,
  vc: {
    '@context': ['https://www.w3.org/2018/credentials/v1'],
    type: ['VerifiableCredential'],
    credentialSubject: {grade: 'intermediate'},
  },
};
const signed = await createVerifiableCredentialJwt(payload, issuer);

await tell('did-jwt-vc', 'issue', () => createVerifiableCredentialJwt(payload, issuer));
await tell('did-jwt-vc', 'verify', async () => {
  const {verified} = await verifyCredential(signed, resolver);
  require(verified, 'a sample credential was not verified');
});
