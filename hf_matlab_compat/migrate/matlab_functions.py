"""Names of MATLAB's own functions, which no file's variable is taken for unless the file is there and holds it."""

from __future__ import annotations

_TEXT = """
abs accumarray accumdim acos acosd acosh acot acotd acoth acsc acscd acsch addlistener addpath airy all amd and angle
annotation ans any area arrayfun asec asecd asech asin asind asinh assert assignin atan atan2 atan2d atand atanh
atexit audioinfo audioread audiowrite autumn axes axis balance bandwidth bar barh bartlett base2dec besselh besseli
besselj besselk bessely beta betainc betaincinv betaln bicg bicgstab bin2dec binornd bitand bitcmp bitget bitor bitset
bitshift bitxor blackman blanks blkdiag blockproc bone box boxplot bsxfun builtin bwconncomp bwlabel calendar camlight
cart2pol cart2sph cast cat caxis cbrt cd ceil cell cell2mat cell2struct celldisp cellfun cellstr cgs char chdir chol
cholupdate circshift cla clabel class classify clock closereq cluster codistributed colamd colfilt colon colorbar
colorcube colormap colperm comet compan complex computer cond condeig condest confusionmat conj containers contour
contour3 contourf contrast conv conv2 convhull convn cool copper copyfile corr corrcoef corrcov cos cosd cosh cot cotd
coth cov cputime cross crosstab crossval csc cscd csch csvread ctranspose cummax cummin cumprod cumsum cumtrapz curl
cvpartition cylinder daspect datasample date datenum datestr datetick datevec dbstack dbstop deal deblank dec2base
dec2bin dec2hex deconv deg2rad del2 delaunay delete dendrogram det detrend diag dialog diary diff dir disp display
distributed divergence dlmread dlmwrite dos dot double drawnow echo edge edit eig eigs ellipke ellipsoid endsWith
eomday eps erase erf erfc erfcinv erfcx erfinv errorbar errordlg etime eval evalc evalin exist exit exp expint expm
expm1 exprnd eye ezplot factor factorial fclose feof ferror feval fft fft2 fftfilt fftn fftshift fgetl fgets
fieldnames figure fileattrib fileparts fileread filesep fill fill3 filter filter2 find findobj findstr fitcsvm fitlm
fitrtree fix flintmax flip flipdim fliplr flipud floor fminbnd fminsearch fminunc fopen fplot fprintf fputs fread
frewind fscanf fseek fsolve fspecial ftell func2str functions fwrite fzero gallery gamma gammainc gammaincinv gammaln
gather gca gcbf gcbo gcd gcf genvarname get getappdata getenv getfield getframe ginput givens glmfit glmval glob gmres
gplotmatrix gpuArray gpuDevice gradient gray gray2ind graythresh griddata griddatan groot grpstats gscatter gsvd
guidata guihandles gunzip gzip hadamard hamming hankel hanning helpdlg hess hex2dec hex2num hgload hgsave hidden hilb
hist histc histcounts histeq histogram history horzcat hot hsv hsv2rgb hypot ichol idivide ifft ifft2 ifftn ifftshift
im2col im2double im2frame im2uint8 imadjust imag image imagesc imcrop imfilter imfinfo imgaussfilt imnoise importdata
imread imresize imrotate imshow imwrite ind2gray ind2rgb ind2sub inferiorto inpolygon input inputdlg inputname
inputParser int16 int2str int32 int64 int8 integral integral2 integral3 interp1 interp2 interp3 interpft interpn
intersect intmax intmin inv inverse invhilb ipermute iqr is_function_handle isa isalpha isappdata isargout isbanded
iscell iscellstr ischar iscolumn iscomplex isdiag isdigit isdir isempty isequal isequaln isequalwithequalnans isfield
isfile isfinite isfloat isfolder isglobal isgraphics ishandle ishermitian ishghandle ishold isinf isinteger isjava
iskey iskeyword isletter islogical islower ismac ismatrix ismember ismethod isnan isnumeric isobject isosurface ispc
isprime isprop ispunct isreal isrow isscalar issorted isspace issparse issquare isstr isstring isstrprop isstruct
isstudent issymmetric istril istriu isunix isupper isvarname isvector jet jsondecode jsonencode keyboard kmeans
knnclassify knnsearch kron kurtosis lasso lasterr lasterror lastwarn lcm ldivide legendre length lgamma light lighting
line lines linkage linkaxes linsolve linspace listdlg localfunctions log log10 log1p log2 logical loglog logm logspace
lookfor lower ls lscov lsode lsqnonneg lu mad magic mapminmax mapstd mat2cell mat2gray mat2str material matlabpool
matlabroot max maxk mean meansq medfilt2 median memory menu mesh meshc meshgrid meshz methods mex mfilename min mink
minus mislocked mkdir mkpp mldivide mlock mnrnd mod mode montage movefile movmax movmean movmedian movmin movstd
movsum movvar mpower mrdivide msgbox mtimes munlock mvnrnd namelengthmax nan nanmax nanmean nanmedian nanmin nanstd
nansum nanvar nargchk nargin narginchk nargout nargoutchk native2unicode nchoosek ndgrid ndims newff newplot nextpow2
nlfilter nnz nonzeros norm normalize normcdf normest normest1 normpdf normrnd not now nproc nthroot null num2cell
num2hex num2str numel nzmax ocean ode15s ode23 ode45 onCleanup ones open openfig optimget optimset or orderfields orth
padarray pagefun pareto parpool pascal patch path pathsep patternnet pause pbaspect pca pcg pchip pcolor pdist pdist2
peaks periodogram perms permute pi pie pie3 pink pinv plot plotmatrix plotyy plus poissrnd pol2cart polar poly
polyarea polyder polyeig polyfit polyint polyval polyvalm postpad pow2 power ppder ppval prctile prefdir prepad primes
princomp prism prod psi publish pwd qmr qr quad quad2d quadgk quadl quadv quantile questdlg quit quiver quiver3 qz
rad2deg rand randi randn randperm randsample range rank ranks rat rcond rdivide real reallog realmax realmin realpow
realsqrt record rectangle rectint refresh regexp regexpi regexprep regionprops rehash rem repelem repmat rescale reset
reshape residue resize rethrow rgb2gray rgb2hsv rgb2ind rgb2lab ribbon rindex rmappdata rmdir rmfield rmpath rms rng
roots rose rosser rot90 rotate rotate3d round rref run save saveas savefig scanf scatter scatter3 schur sec secd sech
semilogx semilogy set setappdata setdiff setenv setfield setxor shading shift shiftdim sign silhouette sim sin sinc
sind single sinh size skewness slice smooth sort sortrows sound soundsc source spalloc sparse spdiags speye spfun
sph2cart sphere spinmap spline spmd spones spparms sprand sprandn sprank spring sprintf spy sqrt sqrtm squareform
squeeze sscanf stairs startsWith std stdout stem stem3 str2double str2func str2mat str2num strcat strcmp strcmpi
strfind strjoin strjust strmatch strncmp strncmpi strread strrep strsplit strtok strtrim strtrunc struct struct2cell
structfun strvcat sub2ind subplot subsasgn subsref substr substruct sum summer sumsq surf surface surfc surfl surfnorm
svd svds svmclassify svmtrain swapbytes sylvester symvar synthesis system tabulate tan tand tanh tar tempdir tempname
tetramesh text textlabel textread textscan tic time timer times title toc toeplitz tolower trainlm transpose trapz
tril trimesh trimmean triplequad trisurf triu tsne type typecast typeinfo uicontrol uigetdir uigetfile uimenu uint16
uint32 uint64 uint8 uipanel uiputfile uiresume uiwait unifrnd union unique unix unlink unmkpp untar unwrap unzip upper
urlread urlwrite usejava validateattributes validatestring vander var vec vecnorm ver version vertcat view voronoi
waitbar waitfor warndlg waterfall weekday what which white who whos wiener2 winter xcorr xcov xlabel xlim xlsfinfo
xlsread xlswrite xor ylabel ylim zeros zip zlabel zlim zoom zscore
"""
NAMES = frozenset(_TEXT.split())
