// The parts of three.js that we use: a bundle of its own, since it rarely changes.
export {
  AdditiveBlending, Box3, BoxGeometry, BufferAttribute, BufferGeometry, Color, DataTexture, DoubleSide, EdgesGeometry,
  Euler, Group, InstancedBufferAttribute, InstancedBufferGeometry, InstancedMesh, InterleavedBuffer,
  InterleavedBufferAttribute, Line, LineBasicMaterial, LineSegments, Matrix4, Mesh, MeshBasicMaterial,
  OrthographicCamera, PerspectiveCamera, Plane, Points, Quaternion, Raycaster, Scene, ShaderMaterial, Sphere,
  SphereGeometry, Vector2, Vector3, Vector4, WebGLRenderer,
} from 'three';
export {OrbitControls} from 'three/examples/jsm/controls/OrbitControls.js';
