// Checks SM2 signatures with SM3 (GB/T 32918.2, GB/T 32905) without a server; browsers know neither.

const P = BigInt('0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF');
const A = P - 3n;
const B = BigInt('0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93');
const N = BigInt('0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123');
const G = {
  x: BigInt('0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7'),
  y: BigInt('0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0'),
  z: 1n,
};
const USER = '1234567812345678';

const rotate = (word, by) => (word << by % 32 | word >>> (32 - by % 32)) >>> 0;

/** SM3 of bytes, as bytes. */
export function sm3(message) {
  const length = message.length;
  const padded = new Uint8Array((length + 72) >> 6 << 6);
  padded.set(message);
  padded[length] = 0x80;
  new DataView(padded.buffer).setUint32(padded.length - 4, length * 8);
  let state = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
  const words = new Uint32Array(68);
  for (let start = 0; start < padded.length; start += 64) {
    const block = new DataView(padded.buffer, start, 64);
    for (let j = 0; j < 16; j++) words[j] = block.getUint32(j * 4);
    for (let j = 16; j < 68; j++) {
      const x = words[j - 16] ^ words[j - 9] ^ rotate(words[j - 3], 15);
      words[j] = x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(words[j - 13], 7) ^ words[j - 6];
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let j = 0; j < 64; j++) {
      const turned = rotate(a, 12);
      const ss1 = rotate((turned + e + rotate(j < 16 ? 0x79cc4519 : 0x7a879d8a, j)) >>> 0, 7);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + (ss1 ^ turned) + (words[j] ^ words[j + 4])) >>> 0;
      const tt2 = (gg + h + ss1 + words[j]) >>> 0;
      [d, c, b, a] = [c, rotate(b, 9), a, tt1];
      [h, g, f, e] = [g, rotate(f, 19), e, (tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17)) >>> 0];
    }
    state = [a, b, c, d, e, f, g, h].map((word, j) => (word ^ state[j]) >>> 0);
  }
  const digest = new Uint8Array(32);
  const view = new DataView(digest.buffer);
  state.forEach((word, j) => view.setUint32(j * 4, word));
  return digest;
}

const modulo = (value, by) => ((value % by) + by) % by;
const number = bytes => BigInt(`0x${[...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('') || '0'}`);
const bytes32 = value => Uint8Array.from(value.toString(16).padStart(64, '0').match(/../g), pair => parseInt(pair, 16));

function inverse(value, by) {
  let [a, b, x, y] = [modulo(value, by), by, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [b, a, y, x] = [a, b % a, x, y - quotient * x];
  }
  return modulo(x, by);
}

// Points in Jacobian coordinates; null is the point at infinity.
function double(p) {
  if (!p || p.y === 0n) return null;
  const yy = p.y * p.y % P;
  const s = 4n * p.x * yy % P;
  const zz = p.z * p.z % P;
  const m = (3n * p.x * p.x + A * zz % P * zz) % P;
  const x = modulo(m * m - 2n * s, P);
  return { x, y: modulo(m * (s - x) - 8n * yy * yy, P), z: 2n * p.y * p.z % P };
}

function add(p, q) {
  if (!p) return q;
  if (!q) return p;
  const zp = p.z * p.z % P;
  const zq = q.z * q.z % P;
  const up = p.x * zq % P;
  const uq = q.x * zp % P;
  const sp = p.y * zq * q.z % P;
  const sq = q.y * zp * p.z % P;
  if (up === uq) return sp === sq ? double(p) : null;
  const h = modulo(uq - up, P);
  const r = modulo(sq - sp, P);
  const hh = h * h % P;
  const hhh = h * hh % P;
  const v = up * hh % P;
  const x = modulo(r * r - hhh - 2n * v, P);
  return { x, y: modulo(r * (v - x) - sp * hhh, P), z: h * p.z * q.z % P };
}

/** s·G + t·Q. */
function combine(s, t, q) {
  const both = add(G, q);
  let sum = null;
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = double(sum);
    const [first, second] = [s >> bit & 1n, t >> bit & 1n];
    if (first && second) sum = add(sum, both);
    else if (first) sum = add(sum, G);
    else if (second) sum = add(sum, q);
  }
  return sum;
}

const join = (...parts) => Uint8Array.from(parts.flatMap(part => [...part]));

/** Whether `signature` (r ‖ s, 64 bytes) is one of `message` (bytes) by the holder of `point` (x ‖ y, 64 bytes). */
export function isSigned(message, signature, point) {
  const r = number(signature.subarray(0, 32));
  const s = number(signature.subarray(32));
  const key = { x: number(point.subarray(0, 32)), y: number(point.subarray(32)), z: 1n };
  if (r < 1n || r >= N || s < 1n || s >= N) return false;
  if (modulo(key.y * key.y - (key.x * key.x * key.x + A * key.x + B), P) !== 0n) return false;
  const user = new TextEncoder().encode(USER);
  const identity = sm3(join(
    [user.length * 8 >> 8, user.length * 8 & 255], user, bytes32(A), bytes32(B), bytes32(G.x), bytes32(G.y),
    bytes32(key.x), bytes32(key.y)));
  const e = number(sm3(join(identity, message)));
  const t = (r + s) % N;
  if (t === 0n) return false;
  const sum = combine(s, t, key);
  if (!sum) return false;
  const z = inverse(sum.z, P);
  return (e + (sum.x * z % P) * z % P) % N === r;
}
