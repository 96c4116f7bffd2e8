/** Runs inside a test's network namespace: listens on ports, echoes, and connects to itself when told over IPC. */
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';

export type Reach = 'connected' | 'hangs' | 'refused';

export type PeerRequest =
  | {readonly is: 'connect'; readonly host: string; readonly port: number; readonly limitMs: number}
  | {readonly is: 'keep'; readonly host: string; readonly port: number}
  | {readonly is: 'echo'; readonly text: string};

const kept: Socket[] = [];

async function reach(host: string, port: number, limitMs: number): Promise<Reach> {
  const socket = connect({host, port});
  try {
    await once(socket, 'connect', {signal: AbortSignal.timeout(limitMs)});
    return 'connected';
  } catch (error) {
    return error instanceof Error && error.name === 'AbortError' ? 'hangs' : 'refused';
  } finally {
    socket.destroy();
  }
}

async function answer(request: PeerRequest): Promise<string> {
  switch (request.is) {
    case 'connect':
      return reach(request.host, request.port, request.limitMs);
    case 'keep': {
      const socket = connect(request.port, request.host);
      await once(socket, 'connect');
      kept.push(socket);
      return 'kept';
    }
    case 'echo': {
      const echoes = await Promise.all(
        kept.map(async socket => {
          socket.write(request.text);
          const [chunk] = await once(socket, 'data');
          return String(chunk);
        }),
      );
      return echoes.join(' ');
    }
  }
}

for (const port of process.argv.slice(2).map(Number)) {
  const server = createServer(socket => socket.on('error', () => {}).pipe(socket));
  await once(server.listen(port, '::'), 'listening');
}
process.on('message', ({id, request}: {id: number; request: PeerRequest}) => {
  void answer(request).then(text => process.send?.({id, text}));
});
process.on('disconnect', () => process.exit());
process.send?.({id: 0, text: 'listening'});
