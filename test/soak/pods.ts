import type {Place} from '../support/place.ts';
import {createSlave, isAccepted, keyOf} from '../support/slave.ts';
import type {Model, Ping, PingEnd} from './model.ts';
import type {Note} from './notes.ts';

/** A pod that the soak plays. An anchor never leaves: without servers no request could succeed. */
export interface CastPod {
  readonly app: string;
  readonly ip: string;
  readonly isAnchor: boolean;
  /** `guest`: it comes or goes while something is refused. `sick`: its payload may break the configuration. `doomed`: so may all of its app. */
  readonly part: 'crowd' | 'guest' | 'sick' | 'doomed';
}

/** What a pod does, one thing after the other; each resolves when it is done. */
export interface PlayedPod extends CastPod {
  readonly isOn: boolean;
  /** What its payload says; undefined for a pod without one. */
  readonly note: Note | undefined;
  join(): void;
  /** From now on its payload is this one; told at once where it is there. */
  say(note: Note | undefined): void;
  /** Stops with a last keepalive that says so. */
  leave(): Promise<void>;
  /** Dies without a word. */
  silence(): Promise<void>;
  /** Another pod takes its IP. */
  replace(): void;
  /** Leaves and comes back, as often as that, as fast as it is answered. */
  flap(times: number): Promise<void>;
  /** One more keepalive now, then silence. */
  hush(): Promise<void>;
  /** Silence for good, an anchor's too. */
  end(): Promise<void>;
}

export interface PodPorts {
  readonly place: Place;
  readonly master: {readonly host: string; readonly port: number};
  readonly model: Pick<Model, 'sent' | 'ended'>;
  readonly periodMs: number;
  /** Whether a 503 means that the ping counts all the same: the store is away. */
  readonly mayRecord: () => boolean;
  readonly onUnexpected: (what: string) => void;
}

/** A failed keepalive is repeated this much later. */
const RETRY_MS = 250;

/** Plays a pod; it is silent at first. Every ping is told to the model when it leaves and when it ends. */
export function playPod(cast: CastPod, ports: PodPorts): PlayedPod {
  const {place, master, model, periodMs, mayRecord, onUnexpected} = ports;
  const {app, ip} = cast;
  let incarnation = 0;
  let isFresh = false;
  let isOn = false;
  let note: Note | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  const ping = async (down = false): Promise<boolean> => {
    const id = `${app}-${keyOf(ip)}-${incarnation}`;
    const payload = note === undefined ? '' : {note: {...note}};
    const slave = createSlave({master, place, app, ip, id, payload, localAddress: ip});
    const said: Ping = {ip, app, sentMs: Date.now(), down, fresh: isFresh && !down};
    model.sent(said);
    const outcome = await slave.ping(down ? {down} : {});
    let end: PingEnd = outcome.is === 'failed' && outcome.kind === 'refused' ? 'refused' : 'lost';
    if (isAccepted(outcome)) end = 'accepted';
    else if (outcome.is === 'answered') {
      if (outcome.answer.status === 503 && mayRecord()) end = 'recorded';
      else onUnexpected(`a good ping of ${ip} was answered ${outcome.answer.status}: ${outcome.answer.body}`);
    }
    model.ended(said, Date.now(), end);
    if (end === 'accepted' && !down) isFresh = false;
    return end === 'accepted';
  };

  /** One ping of a pod at a time: the order of two would be anybody's guess. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };

  const beat = () => {
    clearTimeout(timer);
    void inTurn(async () => {
      if (!isOn) return;
      const isTaken = await ping();
      clearTimeout(timer);
      if (isOn) timer = setTimeout(beat, isTaken ? periodMs : RETRY_MS);
    });
  };

  const stop = () => {
    isOn = false;
    clearTimeout(timer);
  };

  const end = () => {
    stop();
    return inTurn(async () => {});
  };

  return {
    ...cast,
    get isOn() {
      return isOn;
    },
    get note() {
      return note;
    },
    end,
    say(next) {
      note = next;
      if (isOn) beat();
    },
    join() {
      if (isOn) return;
      isOn = true;
      beat();
    },
    leave() {
      if (cast.isAnchor) return Promise.resolve();
      stop();
      return inTurn(async () => void (await ping(true)));
    },
    silence: () => (cast.isAnchor ? Promise.resolve() : end()),
    replace() {
      void inTurn(async () => {
        incarnation += 1;
        isFresh = true;
      });
      isOn = true;
      beat();
    },
    flap: times =>
      inTurn(async () => {
        if (cast.isAnchor || !isOn) return;
        for (let n = 0; n < times; n++) {
          await ping(true);
          await ping();
        }
      }),
    hush() {
      if (cast.isAnchor) return Promise.resolve();
      stop();
      return inTurn(async () => void (await ping()));
    },
  };
}
