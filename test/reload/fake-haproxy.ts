/** A server as HAProxy's runtime socket tells of it. */
export interface FakeServer {
  addr: string;
  port: number;
  weight: number;
  /** `srv_admin_state`: 1 is forced maintenance, 8 is drain. */
  admin: number;
  /** `srv_check_state`: 1 is that a check is under way. */
  check: number;
  connections: number;
  /** Its checks failed. */
  isDown: boolean;
}

/** What speaks on a runtime socket: knows servers, carries out the commands that we send. */
export interface FakeHaproxy {
  readonly pid: number;
  /** By `backend/server`. */
  readonly servers: Map<string, FakeServer>;
  /** All it was asked, one command an entry. */
  readonly asked: string[];
  /** Asked before each command: an answer instead of its own, or what it rejects with. */
  intercept: (command: string) => string | Error | undefined;
  /** 1.7 tells no port in `show servers state`. */
  tellsPort: boolean;
  ask(line: string): Promise<string>;
}

const COLUMNS =
  'be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_state';

export const fakeServer = (changes: Partial<FakeServer> = {}): FakeServer => ({
  addr: '10.0.0.1',
  port: 80,
  weight: 1,
  admin: 0,
  check: 0,
  connections: 0,
  isDown: false,
  ...changes,
});

export function createFakeHaproxy(
  pid: number,
  servers: Readonly<Record<string, Partial<FakeServer>>> = {},
): FakeHaproxy {
  const known = new Map(Object.entries(servers).map(([key, server]) => [key, fakeServer(server)]));

  const state = (wanted: string | undefined): string => {
    const rows = [...known].map(([key, {addr, port, weight, admin, check, isDown}]) => {
      const [backend = '', server] = key.split('/');
      const row = `1 ${backend} 1 ${server} ${addr} ${admin === 0 && !isDown ? 2 : 0} ${admin} ${weight} ${weight} ${haproxy.asked.length} ${check}`;
      return {backend, row: haproxy.tellsPort ? `${row} ${port}` : row};
    });
    const shown = rows.filter(({backend}) => wanted === undefined || backend === wanted).map(({row}) => row);
    return ['1', `# ${COLUMNS}${haproxy.tellsPort ? ' srv_port' : ''}`, ...shown].join('\n');
  };

  const stat = (): string =>
    [
      '# pxname,svname,status,addr,',
      'web,FRONTEND,OPEN,,',
      ...[...known].map(([key, {addr, port}]) => `${key.replace('/', ',')},UP,${addr}:${port},`),
    ].join('\n');

  const set = (key: string, [what, value, , port]: readonly string[]): string => {
    const server = known.get(key);
    if (server === undefined) return 'No such server.';
    if (what === 'weight') server.weight = Number(value);
    if (what === 'state') server.admin = {ready: 0, maint: 1, drain: 8}[value ?? ''] ?? server.admin;
    if (what === 'addr') Object.assign(server, {addr: value, port: port === undefined ? server.port : Number(port)});
    return '';
  };

  const obey = (command: string): string => {
    const [verb, noun, key = '', ...rest] = command.split(' ');
    switch (`${verb} ${noun}`) {
      case 'show info':
        return `Name: HAProxy\nPid: ${pid}\nMaxsock: 64`;
      case 'show servers':
        return state(rest[0]);
      case 'show stat':
        return stat();
      case 'set server':
        return set(key, rest);
      case 'add server': {
        const [addr = '', port] = rest[0]?.split(/:(?=\d+$)/) ?? [];
        known.set(key, fakeServer({addr, port: Number(port), admin: 1}));
        return 'New server registered.';
      }
      case 'del server': {
        if ((known.get(key)?.connections ?? 0) > 0)
          return 'Server still has connections attached to it, cannot remove it.';
        return known.delete(key) ? 'Server deleted.' : 'No such server.';
      }
      default:
        return '';
    }
  };

  const haproxy: FakeHaproxy = {
    pid,
    servers: known,
    asked: [],
    intercept: () => undefined,
    tellsPort: true,
    async ask(line) {
      const answers: string[] = [];
      for (const command of line.split('; ')) {
        haproxy.asked.push(command);
        const instead = haproxy.intercept(command);
        if (instead instanceof Error) throw instead;
        answers.push(instead ?? obey(command));
      }
      return answers.join('\n');
    },
  };
  return haproxy;
}
