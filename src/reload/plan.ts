import type {ReloadSetting} from '../config/config.ts';
import type {GateCapability} from '../firewall/capability.ts';

/**
 * How a new generation takes over (RELOAD measurements; KONTROL_RELOAD):
 * - `syn-drop`: both generations listen for a moment (SO_REUSEPORT); SYN packets are dropped only while the old one
 *   closes, so nothing is lost and the window does not grow with the configuration.
 * - `classic`: the new one is started with `-sf` while SYN packets are dropped: for `noreuseport`, where two
 *   generations cannot listen at once.
 * - `plain`: `-sf` with no protection: connections in the old one's accept queue can be reset.
 */
export type ReloadWay = 'syn-drop' | 'classic' | 'plain';

export interface ReloadPlan {
  readonly way: ReloadWay;
  readonly why: string;
  /** The new generation is started beside the old one and says nothing to it; otherwise with `-sf`. */
  readonly parallel: boolean;
  readonly gated: boolean;
}

const SHAPES: Record<ReloadWay, Pick<ReloadPlan, 'parallel' | 'gated'>> = {
  'syn-drop': {parallel: true, gated: true},
  classic: {parallel: false, gated: true},
  plain: {parallel: false, gated: false},
};

/** The best way that is possible, or the one that was asked for if it is; `why` says what decided. */
export function planReload(given: {
  readonly setting: ReloadSetting;
  readonly gate: GateCapability;
  /** Either configuration says `noreuseport`. */
  readonly noreuseport: boolean;
}): ReloadPlan {
  const {setting, gate, noreuseport} = given;
  const asked = setting === 'auto' ? '' : `KONTROL_RELOAD asks for ${setting}`;
  const plan = (way: ReloadWay, ...reasons: string[]): ReloadPlan => ({
    way,
    why: [asked, ...reasons].filter(reason => reason !== '').join('; '),
    ...SHAPES[way],
  });
  if (setting === 'plain') return plan('plain');
  if (gate.is === 'unable') return plan('plain', `SYN packets cannot be dropped: ${gate.why}`);
  const means = `${gate.variant} drops SYN packets on ${gate.families.join(' and ')}`;
  if (setting === 'classic') return plan('classic', means);
  if (noreuseport) return plan('classic', 'noreuseport forbids two generations to listen at once', means);
  return plan('syn-drop', means);
}
