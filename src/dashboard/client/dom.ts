type Child = Node | string | number | null | false;

/** Attributes by name; `false` leaves one out, `true` sets it empty. `class` and `data-*` are as in HTML. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The element of the page with this id; the page has all that the code asks for. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

/** Makes an element. Text becomes text nodes, never markup: whatever a pod calls itself stays a name. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(attribute, value === true ? '' : String(value));
  }
  element.append(
    ...children
      .filter(child => child !== null && child !== false)
      .map(child => (child instanceof Node ? child : String(child))),
  );
  return element;
}

/** Sets an element's text only when it differs: a screen reader is not told again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes the children of `parent` those of `keys`, in order, keeping the elements that are there. */
export function reconcile<Key extends string | number, Item>(
  parent: Element,
  items: readonly (readonly [Key, Item])[],
  create: (item: Item) => HTMLElement,
  update: (element: HTMLElement, item: Item) => void,
): void {
  const present = new Map(
    [...parent.children].map(child => [(child as HTMLElement).dataset.key, child as HTMLElement]),
  );
  let cursor = parent.firstElementChild;
  for (const [key, item] of items) {
    const name = String(key);
    const element = present.get(name) ?? create(item);
    present.delete(name);
    element.dataset.key = name;
    update(element, item);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(element, cursor);
  }
  for (const stale of present.values()) stale.remove();
}
