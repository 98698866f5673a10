// Where this device is, asked for only when somebody presses a button.

/** Longitude, latitude (WGS-84 degrees) and accuracy in metres; rejects with a sentence for the user. */
export function position() {
  return new Promise((resolve, reject) => {
    if (!('geolocation' in navigator) || !isSecureContext) {
      reject(new Error('这个浏览器不能定位。请在地图上选，或直接填写坐标。'));
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ longitude: coords.longitude, latitude: coords.latitude, accuracy: coords.accuracy }),
      error => reject(new Error(error.code === error.PERMISSION_DENIED
        ? '没有定位权限。请在浏览器设置里允许定位，或在地图上选。'
        : '没有取得位置。请到开阔处重试，或在地图上选。')),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 10000 });
  });
}
