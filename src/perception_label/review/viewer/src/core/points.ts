import * as T from '../three.ts';
import type {Arriving} from './container.ts';
import {isLight} from './theme.ts';

const VERTEX = `
attribute float shade; attribute vec4 paint;
uniform float size; uniform int mode; uniform vec2 heights; uniform vec3 tint; uniform float dim; uniform bool isPainted;
uniform bool isFocused; uniform vec4 focus; uniform vec3 reach;
varying vec3 colour;
vec3 turbo(float x) { // after A. Mikhailov, 2019
  vec4 k = vec4(1., x, x * x, x * x * x); vec2 e = k.zw * k.z;
  return clamp(vec3(
    dot(k, vec4(.13572138, 4.6153926, -42.66032258, 132.13108234)) + dot(e, vec2(-152.94239396, 59.28637943)),
    dot(k, vec4(.09140261, 2.19418839, 4.84296658, -14.18503333)) + dot(e, vec2(4.27729857, 2.82956604)),
    dot(k, vec4(.1066733, 12.64194608, -60.58204836, 110.36276771)) + dot(e, vec2(-89.90310912, 27.34824973))), 0., 1.);
}
void main() {
  vec4 place = modelMatrix * vec4(position, 1.);
  gl_Position = projectionMatrix * viewMatrix * place;
  gl_PointSize = size;
  float height = clamp((place.z - heights.x) / (heights.y - heights.x), 0., 1.);
  colour = mode == 0 ? turbo(.08 + .92 * height) : mode == 1 ? turbo(.05 + .9 * sqrt(shade)) : mix(tint, vec3(1.), .25 * height);
  colour *= mode == 2 ? 1. : dim;
  if (isPainted && paint.a > .75) colour = paint.rgb;
  vec3 off = place.xyz - focus.xyz; float c = cos(focus.w), s = sin(focus.w);
  bool isFar = isFocused && any(greaterThan(abs(vec3(c * off.x + s * off.y, c * off.y - s * off.x, off.z)), reach));
  if (isFar || (isPainted && paint.a > .25 && paint.a < .75)) gl_Position = vec4(2., 2., 2., 1.); // outside of what is seen
}`;
const FRAGMENT = 'varying vec3 colour; void main() { gl_FragColor = vec4(colour, 1.); }';

const TINT = 0x9fb3c8, TINT_LIGHT = 0x5f7080; // of points that nothing else colours

const DIM = 0.7; // of the colour maps, on a light background

/** A sweep's points in a scene, drawn while they arrive. */
export class CloudPoints {
  readonly object: InstanceType<typeof T.Points>;
  private geometry: InstanceType<typeof T.BufferGeometry>;
  private material: InstanceType<typeof T.ShaderMaterial>;
  private buffer: InstanceType<typeof T.InterleavedBuffer> | null = null;
  private cloud: Arriving | null = null;
  private shown = 0;

  constructor() {
    this.geometry = new T.BufferGeometry();
    this.material = new T.ShaderMaterial({
      vertexShader: VERTEX, fragmentShader: FRAGMENT,
      uniforms: {
        size: {value: 2}, mode: {value: 0}, heights: {value: new T.Vector2(-2, 4)}, tint: {value: new T.Color(TINT)}, dim: {value: 1},
        isPainted: {value: false}, isFocused: {value: false}, focus: {value: new T.Vector4()}, reach: {value: new T.Vector3()},
      },
    });
    this.object = new T.Points(this.geometry, this.material);
    this.object.frustumCulled = false;
    this.object.matrixAutoUpdate = false;
  }

  /** Show points; `place` takes the sensor's frame to the scene's. Called again as more arrive. */
  show(cloud: Arriving, place: InstanceType<typeof T.Matrix4>): void {
    const header = cloud.header;
    if (!header) return;
    if (cloud !== this.cloud) {
      this.geometry.dispose();
      this.geometry = new T.BufferGeometry();
      this.buffer = new T.InterleavedBuffer(cloud.values, 4);
      this.geometry.setAttribute('position', new T.InterleavedBufferAttribute(this.buffer, 3, 0, true));
      this.geometry.setAttribute('shade', new T.InterleavedBufferAttribute(this.buffer, 1, 3, true));
      this.geometry.boundingSphere = new T.Sphere(new T.Vector3(), 1e6);
      this.object.geometry = this.geometry;
      this.material.uniforms.isPainted.value = false;
      this.cloud = cloud;
      this.shown = 0;
      const z = place.elements[14];
      this.material.uniforms.heights.value.set(header.z_range[0] + z, header.z_range[1] + z);
    }
    const [sx, sy, sz] = header.scale, [ox, oy, oz] = header.origin, most = 65535;
    const unpack = new T.Matrix4().set(sx * most, 0, 0, ox, 0, sy * most, 0, oy, 0, 0, sz * most, oz, 0, 0, 0, 1);
    this.object.matrix.multiplyMatrices(place, unpack);
    this.object.matrixWorldNeedsUpdate = true;
    if (cloud.rows > this.shown && this.buffer) {
      this.buffer.addUpdateRange(this.shown * 4, (cloud.rows - this.shown) * 4);
      this.buffer.needsUpdate = true;
      this.shown = cloud.rows;
    }
  }

  /** Show no points. */
  clear(): void {
    this.cloud = null;
    this.shown = 0;
  }

  /** Draw at most so many; any prefix is a fair sample. */
  limit(most: number): boolean {
    const n = Math.min(this.shown, most);
    if (this.geometry.drawRange.count === n) return false;
    this.geometry.setDrawRange(0, n);
    return true;
  }

  get count(): number {
    return this.shown;
  }

  style(size: number, mode: 'height' | 'intensity' | 'plain', tint = isLight() ? TINT_LIGHT : TINT): void {
    this.material.uniforms.dim.value = isLight() ? DIM : 1;
    this.material.uniforms.size.value = size;
    this.material.uniforms.mode.value = mode === 'height' ? 0 : mode === 'intensity' ? 1 : 2;
    this.material.uniforms.tint.value.setHex(tint);
  }

  /** Colour single points, or leave them out; see `paintOf`. Null: all alike. */
  paint(values: Uint8Array | null): void {
    this.material.uniforms.isPainted.value = values !== null;
    if (values) this.geometry.setAttribute('paint', new T.BufferAttribute(values, 4, true));
  }

  /** Draw only points at most `reach` metres along each of its axes from the centre of a box, scene frame; null: all. */
  focus(centre: number[] | null, yaw = 0, reach: number[] = [0, 0, 0]): void {
    this.material.uniforms.isFocused.value = centre !== null;
    if (!centre) return;
    this.material.uniforms.focus.value.set(centre[0], centre[1], centre[2], yaw);
    this.material.uniforms.reach.value.set(reach[0], reach[1], reach[2]);
  }

  dispose(): void {
    this.geometry.dispose();
    this.material.dispose();
  }
}
