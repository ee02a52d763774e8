// The list: of thousands of rows only those in sight are in the page. Rows have their own heights; what has the focus is never taken out.

const BEYOND_PX = 400;

export class List {
  #rows = new Map();
  #heights = new Map();
  #tops = new Float64Array(1);
  #ids = [];
  #kept = null;
  #due = 0;
  #shown = null;

  /**
   * @param {HTMLElement} scroller what scrolls
   * @param {HTMLElement} body what is as high as all rows
   * @param {{make: (id: string) => HTMLElement, fill: (row: HTMLElement, id: string) => void, guess: (id: string) => number}} rows
   */
  constructor(scroller, body, rows) {
    this.scroller = scroller;
    this.body = body;
    this.rows = rows;
    scroller.addEventListener("scroll", () => this.later(), { passive: true });
    // Where a person has scrolled to stays.
    for (const type of ["wheel", "touchmove", "pointerdown"]) scroller.addEventListener(type, () => (this.#shown = null), { passive: true });
    this.sizes = new ResizeObserver((entries) => this.#measured(entries));
    this.watch = new ResizeObserver(() => this.#resized());
    this.watch.observe(scroller);
  }

  end() {
    this.sizes.disconnect();
    this.watch.disconnect();
    cancelAnimationFrame(this.#due);
  }

  /** All rows, in order. */
  set(ids) {
    this.#ids = ids;
    this.at = new Map(ids.map((id, n) => [id, n]));
    for (const id of [...this.#heights.keys()]) if (!this.at.has(id)) this.#heights.delete(id);
    this.#place();
    this.draw();
  }

  /** The row that stays in the page wherever one scrolls. */
  keep(id) {
    this.#kept = id;
  }

  /** Fill these rows anew where they are in the page; the row itself stays, and the focus with it. */
  renew(ids) {
    for (const id of ids) {
      const row = this.#rows.get(id);
      if (row && this.at.has(id)) this.rows.fill(row, id);
    }
  }

  renewAll() {
    this.#heights.clear();
    this.renew([...this.#rows.keys()]);
    this.#place();
    this.draw();
    this.#measure();
  }

  /** Heights of the rows in the page, anew: a row that has kept its size does not tell it by itself. */
  #measure() {
    for (const row of this.#rows.values()) {
      this.sizes.unobserve(row);
      this.sizes.observe(row);
    }
  }

  row(id) {
    return this.#rows.get(id);
  }

  /** Bring a row into sight: no further than is needed, with its neighbour in sight, too. */
  show(id) {
    const n = this.at.get(id);
    if (n === undefined) return;
    this.#shown = id;
    const [top, bottom] = [this.#tops[n], this.#tops[n + 1]];
    const height = this.scroller.clientHeight;
    const before = n > 0 ? Math.min(80, this.#tops[n] - this.#tops[n - 1]) : 0;
    const room = Math.min(80, Math.max(0, height - (bottom - top) - before));
    if (top - before < this.scroller.scrollTop) this.scroller.scrollTop = top - before;
    else if (bottom + room > this.scroller.scrollTop + height) {
      this.scroller.scrollTop = Math.min(top - before, bottom + room - height);
    }
    this.draw();
  }

  later() {
    if (this.#due) return;
    this.#due = requestAnimationFrame(() => {
      this.#due = 0;
      this.draw();
    });
  }

  /** Put into the page what is in sight, take out what is not. */
  draw() {
    const top = this.scroller.scrollTop - BEYOND_PX;
    const bottom = this.scroller.scrollTop + this.scroller.clientHeight + BEYOND_PX;
    const wanted = new Set();
    for (let n = this.#first(top); n < this.#ids.length && this.#tops[n] < bottom; n++) wanted.add(this.#ids[n]);
    if (this.#kept && this.at?.has(this.#kept)) wanted.add(this.#kept);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      this.sizes.unobserve(row);
      row.remove();
      this.#rows.delete(id);
    }
    for (const id of wanted) {
      const row = this.#rows.get(id);
      if (row) this.#move(id, row);
      else this.#put(id, this.rows.make(id));
    }
    this.#order([...wanted].sort((a, b) => this.at.get(a) - this.at.get(b)).map((id) => this.#rows.get(id)));
  }

  /** Rows stand in the page in the order of the list, so that the Tab key and screen readers meet them so. */
  #order(rows) {
    // The one with the focus stays where it is, and the others are put round it: moved, it would lose the focus.
    const focused = this.body.getRootNode().activeElement;
    const fixed = Math.max(0, rows.findIndex((row) => row.contains(focused)));
    if (!rows.length) return;
    if (rows[fixed].parentNode !== this.body) this.body.prepend(rows[fixed]);
    for (let n = fixed - 1; n >= 0; n--) if (rows[n].nextElementSibling !== rows[n + 1]) rows[n + 1].before(rows[n]);
    for (let n = fixed + 1; n < rows.length; n++) if (rows[n].previousElementSibling !== rows[n - 1]) rows[n - 1].after(rows[n]);
  }

  #put(id, row) {
    this.#rows.set(id, row);
    this.sizes.observe(row);
    this.#move(id, row);
  }

  #move(id, row) {
    const n = this.at.get(id);
    row.dataset.id = id;
    row.setAttribute("aria-rowindex", n + 2);
    row.style.transform = `translateY(${this.#tops[n]}px)`;
  }

  #first(top) {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tops[middle + 1] <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #place() {
    const tops = new Float64Array(this.#ids.length + 1);
    for (let n = 0; n < this.#ids.length; n++) {
      tops[n + 1] = tops[n] + (this.#heights.get(this.#ids[n]) ?? this.rows.guess(this.#ids[n]));
    }
    this.#tops = tops;
    this.body.style.height = `${tops[this.#ids.length]}px`;
  }

  #measured(entries) {
    let shift = 0;
    let changed = false;
    for (const entry of entries) {
      const id = entry.target.dataset.id;
      const height = entry.borderBoxSize[0].blockSize;
      const n = this.at?.get(id);
      if (n === undefined || !height || this.#rows.get(id) !== entry.target) continue;
      const before = this.#heights.get(id) ?? this.rows.guess(id);
      if (Math.abs(before - height) < 0.5) {
        this.#heights.set(id, height);
        continue;
      }
      changed = true;
      if (this.#tops[n + 1] <= this.scroller.scrollTop) shift += height - before;
      this.#heights.set(id, height);
    }
    if (!changed) return;
    const atEnd = this.scroller.scrollTop + this.scroller.clientHeight >= this.#tops[this.#ids.length] - 2;
    this.#place();
    if (atEnd && !this.#shown) this.scroller.scrollTop = this.scroller.scrollHeight;
    else if (shift) this.scroller.scrollTop += shift; // what is in sight stays where it is
    if (this.#shown && this.at.has(this.#shown)) this.show(this.#shown);
    else this.draw();
  }

  #resized() {
    const width = this.scroller.clientWidth;
    const wider = this.width !== undefined && width !== this.width;
    if (wider) this.#heights.clear();
    this.width = width;
    this.#place();
    this.draw();
    if (wider) this.#measure();
  }
}
