import {createHash} from 'node:crypto';
import {encodeHosts} from './hosts.ts';
import type {Hosts} from './member.ts';

/** The MD5 (hex) of `hosts` as canonical JSON: what `GET /state` and `/status` call the configuration's digest. */
export const digestHosts = (hosts: Hosts): string => createHash('md5').update(encodeHosts(hosts)).digest('hex');
