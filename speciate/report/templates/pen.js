// Draws SVG with the few words of a canvas that the family tree is drawn with.
class Pen {
  constructor(width, height) {
    Object.assign(this, { width, height, parts: [], path: [] });
    Object.assign(this, { fillStyle: "", strokeStyle: "", lineWidth: 1, globalAlpha: 1, font: "", textAlign: "start" });
  }
  static number(value) { return String(Math.round(value * 100) / 100); }
  static text(text) { return text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`); }
  put(letter, ...values) { this.path.push(letter + values.map(Pen.number).join(" ")); }
  beginPath() { this.path = []; }
  moveTo(x, y) { this.put("M", x, y); }
  lineTo(x, y) { this.put("L", x, y); }
  bezierCurveTo(...values) { this.put("C", ...values); }
  rect(x, y, width, height) { this.put("M", x, y); this.path.push(`h${Pen.number(width)}v${Pen.number(height)}h${Pen.number(-width)}z`); }
  arc(x, y, r) { this.put("M", x - r, y); this.put("a", r, r, 0, 1, 0, 2 * r, 0); this.put("a", r, r, 0, 1, 0, -2 * r, 0); }
  closePath() { this.path.push("z"); }
  end(attributes) { if (this.path.length) this.parts.push(`<path d="${this.path.join("")}" opacity="${this.globalAlpha}" ${attributes}/>`); }
  stroke() { this.end(`fill="none" stroke="${this.strokeStyle}" stroke-width="${Pen.number(this.lineWidth)}"`); }
  fill() { this.end(`fill="${this.fillStyle}"`); }
  fillRect(x, y, width, height) { this.beginPath(); this.rect(x, y, width, height); this.fill(); }
  strokeText() {}
  fillText(text, x, y) {
    const anchor = { start: "start", center: "middle", end: "end" }[this.textAlign];
    const size = this.font.match(/[\d.]+px/)[0];
    this.parts.push(`<text x="${Pen.number(x)}" y="${Pen.number(y)}" fill="${this.fillStyle}" font-family="sans-serif" font-size="${size}" text-anchor="${anchor}" paint-order="stroke" stroke="${this.strokeStyle}" stroke-width="${this.textAlign === "start" ? 3 : 0}" opacity="${this.globalAlpha}">${Pen.text(text)}</text>`);
  }
  toString() {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}">${this.parts.join("\n")}</svg>\n`;
  }
}
