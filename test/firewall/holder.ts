/** A daemon that will be killed: shuts the gate to the ports in its arguments, says so, and waits. */
import {FAMILIES} from '../../src/firewall/family.ts';
import {openFirewall} from '../../src/firewall/gate.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {spawnInside, type Variant} from './namespace.ts';

const [name = '', variant, lockFile = '', ...ports] = process.argv.slice(2);
const firewall = await openFirewall({
  spawn: spawnInside(name, variant as Variant),
  clock: systemClock,
  log: openLog('info', process.stderr).log,
  lockFile,
});
await firewall.closeGate(ports.map(Number), FAMILIES);
process.send?.('shut');
setInterval(() => {}, 1000);
