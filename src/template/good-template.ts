import type {KeptTemplate, TemplateFile} from './kept-template.ts';

/** What replicas share of it; the fleet's part. */
export interface SharedGood {
  load(): Promise<(KeptTemplate & {readonly replica: string}) | undefined>;
  offer(kept: KeptTemplate, isNew: boolean): void;
}

/** The last template that worked: here, or for a replica that knows better at this one's start. */
export interface GoodTemplate {
  readonly current: KeptTemplate | undefined;
  /** This one worked. Rejects when it cannot be written down. */
  put(kept: KeptTemplate): Promise<void>;
  /** What to fall back on. Until one worked here, a newer one of another replica counts. */
  recall(): Promise<KeptTemplate | undefined>;
}

/** Keeps it in a file, and shares it where replicas do. */
export function createGoodTemplate(file: TemplateFile, shared: SharedGood | undefined): GoodTemplate {
  let worked = false;
  let adopted: KeptTemplate | undefined;
  const current = () => adopted ?? file.current;
  return {
    get current() {
      return current();
    },
    async put(kept) {
      const isNew = kept.template !== current()?.template;
      worked = true;
      adopted = undefined;
      shared?.offer(kept, isNew);
      await file.put(kept);
    },
    async recall() {
      if (worked || shared === undefined) return current();
      const found = await shared.load();
      if (found !== undefined && found.sinceAt > (current()?.sinceAt ?? 0)) adopted = found;
      return current();
    },
  };
}
