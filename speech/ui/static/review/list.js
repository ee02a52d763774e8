// A list of which only what is seen is on the page: rows keep their place, their height once seen, and the focus.
const GUESS_PX = 84;
const MARGIN_PX = 400;

export class List {
  /** @param {string} label @param {function(string): HTMLElement} make gives the row of an id */
  constructor(label, make) {
    this.make = make;
    this.ids = [];
    this.places = new Map();
    this.heights = new Map();
    this.rows = new Map();
    this.current = null;
    this.element = document.createElement("div");
    this.element.className = "list";
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-label", label);
    this.inner = document.createElement("div");
    this.inner.setAttribute("role", "rowgroup");
    this.inner.className = "rows";
    this.element.append(this.inner);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.sizes = new ResizeObserver((entries) => this.measured(entries));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Show these ids, in this order. */
  show(ids) {
    this.ids = ids;
    this.places = new Map(ids.map((id, n) => [id, n]));
    this.element.setAttribute("aria-rowcount", String(ids.length));
    for (const [id, row] of this.rows) if (!this.places.has(id)) this.drop(id, row);
    this.draw();
  }

  /** Make the row of an id anew, if it is on the page. */
  refresh(id) {
    const old = this.rows.get(id);
    if (!old) return;
    const held = old.contains(this.focused());
    const made = this.fresh(id);
    made.style.transform = old.style.transform;
    old.replaceWith(made);
    this.sizes.unobserve(old);
    if (held) made.focus({ preventScroll: true });
  }

  focused() {
    return this.element.getRootNode().activeElement;
  }

  fresh(id) {
    const row = this.make(id);
    row.dataset.id = id;
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", String((this.places.get(id) ?? 0) + 1));
    this.rows.set(id, row);
    this.sizes.observe(row);
    return row;
  }

  drop(id, row) {
    this.sizes.unobserve(row);
    this.rows.delete(id);
    row.remove();
  }

  measured(entries) {
    let changed = false;
    for (const { target } of entries) {
      const height = target.offsetHeight;
      if (height && this.heights.get(target.dataset.id) !== height) {
        this.heights.set(target.dataset.id, height);
        changed = true;
      }
    }
    if (changed) this.draw();
  }

  height(id) {
    return this.heights.get(id) ?? GUESS_PX;
  }

  top(id) {
    let top = 0;
    for (const one of this.ids) {
      if (one === id) return top;
      top += this.height(one);
    }
    return top;
  }

  /** Bring a row into sight and make it the current one; with `focus` it gets the focus. */
  go(id, { focus = false } = {}) {
    if (!this.places.has(id)) return;
    const before = this.current;
    this.current = id;
    const [top, height] = [this.top(id), this.height(id)];
    const box = this.element;
    if (top < box.scrollTop + 8) box.scrollTop = Math.max(0, top - box.clientHeight / 4);
    else if (top + height > box.scrollTop + box.clientHeight - 8) box.scrollTop = top + height - box.clientHeight * 0.6;
    this.draw();
    if (before !== id) this.refresh(before);
    this.refresh(id);
    if (focus) this.rows.get(id)?.focus({ preventScroll: true });
  }

  draw() {
    const from = this.element.scrollTop - MARGIN_PX;
    const to = this.element.scrollTop + this.element.clientHeight + MARGIN_PX;
    let top = 0;
    const seen = new Set();
    for (const id of this.ids) {
      const bottom = top + this.height(id);
      if ((bottom > from && top < to) || id === this.current) {
        seen.add(id);
        let row = this.rows.get(id);
        if (!row) {
          row = this.fresh(id);
          this.inner.append(row);
        }
        row.style.transform = `translateY(${top}px)`;
      }
      top = bottom;
    }
    this.inner.style.height = `${top}px`;
    for (const [id, row] of this.rows) if (!seen.has(id)) this.drop(id, row);
  }
}
