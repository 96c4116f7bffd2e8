import {isIPv6} from 'node:net';
import type {Reader} from './reader.ts';

/** Where etcd is and who we are to it (docs/replicas.md); the files are read when it is opened. */
export interface EtcdSettings {
  /** `http://10.0.0.1:2379`, one at least. */
  readonly endpoints: readonly string[];
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** Holds one line, `name:password`. */
  readonly userFile: string | undefined;
}

const DEFAULT_PORT = 2379;

const ENDPOINT =
  /^(?:(?<scheme>https?):\/\/)?(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[0-9A-Za-z._-]+))(?::(?<port>\d{1,5}))?\/?$/;

/** `http(s)://a:2379,b:2379`: the scheme of one entry holds for those after it; the port is 2379 where none is given. */
export function parseEtcd(reader: Reader, resolvePath: (path: string) => string): EtcdSettings | undefined {
  const file = (name: string): string | undefined => {
    const path = reader.text(name);
    return path === undefined ? undefined : resolvePath(path);
  };
  const given = reader.text('KONTROL_ETCD');
  const caFile = file('KONTROL_ETCD_CA_FILE');
  const certFile = file('KONTROL_ETCD_CERT_FILE');
  const keyFile = file('KONTROL_ETCD_KEY_FILE');
  const userFile = file('KONTROL_ETCD_USER_FILE');
  if (given === undefined) {
    if (caFile ?? certFile ?? keyFile ?? userFile) {
      reader.fault('KONTROL_ETCD is not set, but files for it are: set it, or unset KONTROL_ETCD_*_FILE');
    }
    return undefined;
  }
  const endpoints = parseEndpoints(given, reader);
  if ((certFile === undefined) !== (keyFile === undefined)) {
    reader.fault('KONTROL_ETCD_CERT_FILE and KONTROL_ETCD_KEY_FILE belong together: set both or none');
  }
  if ((caFile ?? certFile) !== undefined && !endpoints.every(endpoint => endpoint.startsWith('https:'))) {
    reader.fault('KONTROL_ETCD has an http endpoint, but certificates are set: begin it with https://');
  }
  return {endpoints, caFile, certFile, keyFile, userFile};
}

function parseEndpoints(given: string, reader: Reader): string[] {
  if (given.includes('@')) {
    reader.fault('KONTROL_ETCD has a user or a password: name a file with them in KONTROL_ETCD_USER_FILE');
    return [];
  }
  let scheme = 'http';
  const entries = given.split(',').map(entry => entry.trim());
  return entries.flatMap(entry => {
    const match = ENDPOINT.exec(entry)?.groups;
    scheme = match?.scheme ?? scheme;
    const host = match?.v6 === undefined ? match?.name : `[${match.v6}]`;
    const port = Number(match?.port ?? DEFAULT_PORT);
    if (host !== undefined && (match?.v6 === undefined || isIPv6(match.v6)) && port > 0 && port <= 65_535) {
      return [`${scheme}://${host}:${port}`];
    }
    reader.fault(`KONTROL_ETCD "${entry}" is not http(s)://host:port`);
    return [];
  });
}
