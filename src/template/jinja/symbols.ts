/** The variables of one function of a template: its root, a block, a macro, a recursive loop, a loop's filter. */
export class FunctionScope {
  readonly parent: FunctionScope | undefined;
  readonly #slots = new Map<string, Slot>();

  constructor(parent?: FunctionScope) {
    this.parent = parent;
  }

  /** The slot of a variable; `key` names it within the function. */
  slot(key: string): Slot {
    const slot = this.#slots.get(key) ?? {scope: this, index: this.#slots.size};
    this.#slots.set(key, slot);
    return slot;
  }

  /** How many functions out the slot's own lies. */
  hopsTo(slot: Slot): number {
    let hops = 0;
    for (let scope: FunctionScope | undefined = this; scope !== undefined; scope = scope.parent, hops++) {
      if (scope === slot.scope) return hops;
    }
    throw new Error('a variable out of reach');
  }
}

/** A variable's place. */
export interface Slot {
  readonly scope: FunctionScope;
  readonly index: number;
}

/** How a variable begins when its frame is entered. */
export type SlotStart =
  | {readonly is: 'param'}
  | {readonly is: 'undefined'}
  | {readonly is: 'resolve'; readonly name: string}
  | {readonly is: 'alias'; readonly slot: Slot};

/** Jinja2's `Symbols` (its `idtracking.py`): which variable a name means in a frame, and how each one begins. */
export class Symbols {
  readonly scope: FunctionScope;
  readonly parent: Symbols | undefined;
  readonly level: number;
  readonly refs = new Map<string, Slot>();
  readonly loads = new Map<Slot, SlotStart>();
  readonly stores = new Set<string>();

  constructor(scope: FunctionScope, parent?: Symbols, level = parent === undefined ? 0 : parent.level + 1) {
    this.scope = scope;
    this.parent = parent;
    this.level = level;
  }

  copy(): Symbols {
    const copy = new Symbols(this.scope, this.parent, this.level);
    copy.#merge(this);
    return copy;
  }

  #merge(other: Symbols): void {
    for (const [name, slot] of other.refs) this.refs.set(name, slot);
    for (const [slot, load] of other.loads) this.loads.set(slot, load);
    for (const name of other.stores) this.stores.add(name);
  }

  #define(name: string, load: SlotStart): Slot {
    const slot = this.scope.slot(`${this.level} ${name}`);
    this.refs.set(name, slot);
    this.loads.set(slot, load);
    return slot;
  }

  find(name: string): Slot | undefined {
    return this.refs.get(name) ?? this.parent?.find(name);
  }

  ref(name: string): Slot {
    const slot = this.find(name);
    if (slot === undefined) throw new Error(`unknown name ${name}`);
    return slot;
  }

  load(name: string): void {
    if (this.find(name) === undefined) this.#define(name, {is: 'resolve', name});
  }

  /** A name that is assigned here shadows the outer one; until then it is what the outer one is. */
  store(name: string): void {
    this.stores.add(name);
    if (this.refs.has(name)) return;
    const outer = this.parent?.find(name);
    this.#define(name, outer === undefined ? {is: 'undefined'} : {is: 'alias', slot: outer});
  }

  declareParameter(name: string): Slot {
    this.stores.add(name);
    return this.#define(name, {is: 'param'});
  }

  /** After an `if`: what its branches assign, and nothing before it did, begins as what it was outside. */
  updateFromBranches(branches: readonly Symbols[]): void {
    const names = new Set(branches.flatMap(branch => [...branch.stores]).filter(name => !this.stores.has(name)));
    for (const branch of branches) this.#merge(branch);
    for (const name of names) {
      const outer = this.parent?.find(name);
      this.loads.set(this.ref(name), outer === undefined ? {is: 'resolve', name} : {is: 'alias', slot: outer});
    }
  }

  /** All assigned names in reach, with their slots. */
  storesInReach(): Map<string, Slot> {
    const all = new Map(this.parent?.storesInReach() ?? []);
    for (const name of this.stores) all.set(name, this.ref(name));
    return all;
  }
}
